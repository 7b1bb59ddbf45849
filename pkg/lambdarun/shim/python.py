# Runs a Lambda handler: events come in by standard input, one line each; answers
# go out by what was standard output, marked; everything else there is console output.
import importlib
import importlib.machinery
import importlib.util
import json
import logging
import os
import re
import sys
import time
import traceback

events = os.fdopen(os.dup(0), "rb")
answers = os.dup(1)
null = os.open(os.devnull, os.O_RDONLY)
os.dup2(null, 0)
os.close(null)


def read_line():
    line = events.readline()
    if not line:
        os._exit(0)
    return json.loads(line.decode("utf-8", "replace"))


start = read_line()
mark, path, module_name, name = start["mark"], start["file"], start["module"], start["name"]
shim = __file__
del __file__  # so that multiprocessing does not run this again in its processes


def post(kind, invocation, text):
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    data = memoryview(("%s%s %s %s\n" % (mark, kind, invocation, text)).encode("utf-8", "replace"))
    while data:
        data = data[os.write(answers, data):]


def describe(kind, message, trace=()):
    return json.dumps({"errorType": kind, "errorMessage": message, "stackTrace": list(trace)})


def frames(e):
    # Where an error is from, as far as the function goes.
    return [f for f in traceback.extract_tb(e.__traceback__) if f.filename != shim and not f.filename.startswith("<frozen ")]


def show(e):
    try:
        trace = "".join(traceback.format_list(frames(e))).rstrip()
        print("[ERROR] %s: %s" % (type(e).__name__, e), *(["Traceback (most recent call last):", trace] if trace else []), sep="\n", file=sys.stderr)
    except Exception:
        pass  # the function has closed its output, say: the error is the same


def fail_init(kind, message):
    print("[ERROR] Runtime.%s: %s" % (kind, message), file=sys.stderr)
    post("init", "-", describe("Runtime." + kind, message))
    os._exit(1)


class Log(logging.Handler):
    # The root logger of Lambda has a handler, so that records of INFO are seen once
    # the level says so, and basicConfig changes nothing. Formats may name the request.
    request = ""

    def __init__(self):
        super().__init__()
        self.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))

    def emit(self, record):
        try:
            record.aws_request_id = Log.request
            print(self.format(record))
        except Exception:
            self.handleError(record)


class Beside:
    # Finds modules beside a handler that is not at the root of the function. Lambda
    # does not; which folder is to be the root there is not known here.
    folder = os.path.dirname(path)
    noted = False

    @classmethod
    def find_spec(cls, name, within=None, target=None):
        if within is not None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, [cls.folder])
        if spec and not cls.noted:
            cls.noted = True
            print("%s is found beside the handler; Lambda only looks in the root of the function, here %s" % (name, start["root"]), file=sys.stderr)
        return spec


def find():
    # The module by the name that it has in the function: one of a package can import
    # from beside it, as in Lambda.
    if "." in module_name:
        return importlib.import_module(module_name)
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    if sys.modules.setdefault(module_name, module) is not module:  # one of the library keeps its name
        print("Python has a module %s of its own, which Lambda would take for the handler's: its file needs another name" % module_name, file=sys.stderr)
    try:
        spec.loader.exec_module(module)
    except ImportError as e:
        if "no known parent package" not in str(e):
            raise
        return find_in_package()
    return module


def find_in_package():
    # A handler named by its file that imports from beside it by "from .": it can only
    # run where it is named as one of a package.
    names, top = [module_name], os.path.dirname(path)
    while len(names) == 1 or os.path.exists(os.path.join(top, "__init__.py")):
        names.insert(0, os.path.basename(top))
        top = os.path.dirname(top)
    sys.path.append(top)
    print("a module of a package is named from the root of the function in Lambda: %s.%s" % ("/".join(names), name), file=sys.stderr)
    return importlib.import_module(".".join(names))


def load():
    sys.argv[:] = [path]
    sys.path[0] = start["root"]  # in place of the folder of this file
    if Beside.folder != start["root"]:
        sys.meta_path.append(Beside)
    try:
        module = find()
    except ImportError as e:
        show(e)
        top = (e.name or "").split(".")[0]
        if top in ("boto3", "botocore"):
            print("Lambda has this module; here it must be installed: pip install boto3", file=sys.stderr)
        elif isinstance(e, ModuleNotFoundError) and top:
            print("%s is neither beside the handler nor installed for %s" % (top, sys.executable), file=sys.stderr)
        for folder in (".venv", "venv", "env"):
            if os.path.exists(os.path.join(start["root"], folder, "pyvenv.cfg")):
                print("the virtual environment %s is not in use: activate it first" % folder, file=sys.stderr)
        fail_init("ImportModuleError", "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        fail_init("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e))
    except Exception as e:
        show(e)
        post("init", "-", describe(type(e).__name__, str(e)))
        os._exit(1)
    handler = module
    for part in name.split("."):
        handler = getattr(handler, part, None)
    if not callable(handler):
        known = [n for n, f in vars(module).items() if type(f) is type(find) and f.__module__ == module.__name__]
        fail_init("HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, module_name) + ("; functions: " + ", ".join(known) if known else ""))
    return handler


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Context:
    def __init__(self, call):
        self.aws_request_id = call["id"]
        self.invoked_function_arn = call["arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.client_context = None
        self.identity = Identity()
        self.tenant_id = None
        self._deadline = call["deadline"]

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def plain(value, above=frozenset()):
    # What json does not take as simplejson does, which Lambda writes answers with: tuples
    # with names are objects, bytes are text, decimals are numbers with all their digits.
    if isinstance(value, bytes):
        return value.decode()
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        return mark + ("NaN" if value.is_nan() else str(value))
    if not isinstance(value, (dict, list, tuple)):
        return value
    if id(value) in above:
        raise ValueError("Circular reference detected")
    above |= {id(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {k.decode() if isinstance(k, bytes) else k: plain(v, above) for k, v in value.items()}
    return [plain(v, above) for v in value]


def encode(result):
    if isinstance(result, bytes):  # goes as it is, made one line of: to JSON their ends are all the same
        return result.replace(b"\n", b"\r").decode("utf-8", "replace")
    decimals = re.escape(json.dumps(mark)[:-1]) + '([^"]*)"'
    return re.sub(decimals, r"\1", json.dumps(plain(result)))


def invoke(handler):
    call = read_line()
    post("taken", call["id"], "")
    os.environ["_X_AMZN_TRACE_ID"], Log.request = call["trace"], call["id"]
    try:
        result = handler(call["event"], Context(call))
    except Exception as e:
        show(e)
        try:
            return post("error", call["id"], describe(type(e).__name__, str(e), traceback.format_list(frames(e))))
        except Exception:
            return post("error", call["id"], describe(type(e).__name__, "the error has no text that can be read"))
    try:
        text = encode(result)
    except Exception as e:
        return post("error", call["id"], describe("Runtime.MarshalError", "Unable to marshal response: %s" % e))
    post("ok", call["id"], text)


logging.getLogger().addHandler(Log())
function = load()
post("ready", "-", "")
while True:
    invoke(function)
