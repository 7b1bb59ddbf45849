# Runs a Lambda handler: events come in by standard input, one line each; answers
# go out by what was standard output, marked; everything else there is console output.
import decimal
import importlib.util
import json
import os
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
mark, path, name = start["mark"], start["file"], start["name"]


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
    return [f for f in traceback.extract_tb(e.__traceback__) if f.filename != __file__ and not f.filename.startswith("<frozen ")]


def show(e):
    trace = "".join(traceback.format_list(frames(e))).rstrip()
    print("[ERROR] %s: %s" % (type(e).__name__, e), *(["Traceback (most recent call last):", trace] if trace else []), sep="\n", file=sys.stderr)


def fail_init(kind, message):
    print("[ERROR] Runtime.%s: %s" % (kind, message), file=sys.stderr)
    post("init", "-", describe("Runtime." + kind, message))
    os._exit(1)


def limit_memory():
    # What a process allocates is bounded where the system can: not on Windows.
    try:
        import resource
        most = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) << 20
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    except (ImportError, KeyError, ValueError, OSError):
        pass


def load():
    stem = os.path.splitext(os.path.basename(path))[0]
    sys.argv[:] = [path]
    folder = os.path.dirname(path)
    # In place of the folder of this file: the handler's, and the root of the function.
    sys.path[:1] = dict.fromkeys([folder, os.environ["LAMBDA_TASK_ROOT"]])
    try:
        spec = importlib.util.spec_from_file_location(stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules.setdefault(stem, module)  # one of the library keeps its name
        spec.loader.exec_module(module)
    except ImportError as e:
        show(e)
        if (e.name or "").split(".")[0] in ("boto3", "botocore"):
            print("Lambda has this module; here it must be installed: pip install boto3", file=sys.stderr)
        fail_init("ImportModuleError", "Unable to import module '%s': %s" % (stem, e))
    except SyntaxError as e:
        fail_init("UserCodeSyntaxError", "Syntax error in module '%s': %s" % (stem, e))
    except Exception as e:
        show(e)
        post("init", "-", describe(type(e).__name__, str(e)))
        os._exit(1)
    handler = module
    for part in name.split("."):
        handler = getattr(handler, part, None)
    if not callable(handler):
        fail_init("HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, stem))
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
        self._deadline = call["deadline"]

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def number(value):
    # Lambda's own encoder takes decimals, and nothing else that json does not.
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def invoke(handler):
    call = read_line()
    post("taken", call["id"], "")
    os.environ["_X_AMZN_TRACE_ID"] = call["trace"]
    try:
        result = handler(call["event"], Context(call))
    except Exception as e:
        try:
            show(e)
            return post("error", call["id"], describe(type(e).__name__, str(e), traceback.format_list(frames(e))))
        except Exception:
            return post("error", call["id"], describe(type(e).__name__, "the error has no text that can be read"))
    try:
        text = json.dumps(result, default=number)
    except Exception as e:
        return post("error", call["id"], describe("Runtime.MarshalError", "Unable to marshal response: %s" % e))
    post("ok", call["id"], text)


limit_memory()
function = load()
post("ready", "-", "")
while True:
    invoke(function)
