package lambdarun

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// passedOn are the variables of this process that programs need to run: where
// programs, libraries and temporary files are. Nothing in them is a secret.
func passedOn() []string {
	if runtime.GOOS == "windows" {
		return []string{
			"PATH", "PATHEXT", "SystemRoot", "SystemDrive", "ComSpec", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
			"ProgramFiles", "ProgramData", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
		}
	}
	return []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYENV_ROOT", "NVM_DIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}
}

// environment is what a process of the function gets, sorted (AWS: "Using Lambda
// environment variables", defined runtime variables).
func (f *Function) environment(runtimeAPI string) []string {
	o, h := &f.o, f.handler
	env := map[string]string{}
	for _, name := range passedOn() {
		if v := o.Getenv(name); v != "" {
			env[name] = v
		}
	}
	maps.Copy(env, map[string]string{
		"LANG": "en_US.UTF-8", "TZ": ":UTC",
		"AWS_REGION": o.Region, "AWS_DEFAULT_REGION": o.Region,
		"AWS_LAMBDA_FUNCTION_NAME": o.Name, "AWS_LAMBDA_FUNCTION_VERSION": o.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(o.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + o.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local/[" + o.Version + "]" + f.instance,
		"AWS_EXECUTION_ENV":               execution(h.language),
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"LAMBDA_TASK_ROOT":                h.root, "_HANDLER": h.spec(),
	})
	if !asksForAWS(o.Env) {
		// The libraries of AWS would find the user's own credentials by themselves.
		maps.Copy(env, map[string]string{
			"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_CONFIG_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		})
	}
	switch h.language {
	case node:
		rootsWhenNeeded(env, o.Env)
		env["NODE_PATH"] = filepath.Join(h.root, "node_modules") + string(filepath.ListSeparator) + h.root
	case python:
		env["PYTHONIOENCODING"], env["PYTHONDONTWRITEBYTECODE"] = "utf-8", "1"
	case executable:
		env["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI
	}
	maps.Copy(env, o.Env)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// wholeBundle is from how many bytes on a file of certificates is a system's bundle of
// roots, and no longer the few that somebody adds to Node's.
const wholeBundle = 64 << 10

// rootsWhenNeeded has Node read a whole bundle of roots with its first connection. In
// NODE_EXTRA_CA_CERTS it is read at the start, which then takes three times as long. The
// function trusts no root that is not in the bundle. One that is given Node's options or
// roots of its own keeps them, and what is read when.
func rootsWhenNeeded(env, given map[string]string) {
	for _, name := range []string{"NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"} {
		if _, ok := given[name]; ok {
			return
		}
	}
	bundle := env["NODE_EXTRA_CA_CERTS"]
	if info, err := os.Stat(bundle); err != nil || info.Size() < wholeBundle {
		return
	}
	delete(env, "NODE_EXTRA_CA_CERTS")
	env["SSL_CERT_FILE"], env["NODE_OPTIONS"] = bundle, "--use-openssl-ca"
}

// asksForAWS reports whether the function is to have AWS credentials: one of the
// variables is given by which they are found.
func asksForAWS(env map[string]string) bool {
	for name := range env {
		switch {
		case name == "AWS_PROFILE", name == "AWS_DEFAULT_PROFILE", name == "AWS_CONFIG_FILE", strings.HasPrefix(name, "AWS_SHARED_"),
			name == "AWS_ACCESS_KEY_ID", strings.HasPrefix(name, "AWS_WEB_IDENTITY"), strings.HasPrefix(name, "AWS_CONTAINER_"):
			return true
		}
	}
	return false
}

// execution names the runtime, with the version that is Lambda's newest: which one
// runs here is not asked.
func execution(l language) string {
	switch l {
	case node:
		return "AWS_Lambda_nodejs22.x"
	case python:
		return "AWS_Lambda_python3.13"
	}
	return "AWS_Lambda_provided.al2023"
}
