# Sourced by the scripts that run Python.
#   virtual_environment NAME REQUIREMENTS [WITHOUT_DEPENDENCIES]
# creates the environment target/NAME and sets $venv to its directory. It installs the packages in the file
# REQUIREMENTS, and those in WITHOUT_DEPENDENCIES without their dependencies. PYTHON is the interpreter, 3.11
# or later [python3].
virtual_environment() {
    venv=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/$1
    shift
    # A checksum of the files is written after the installation. It differs if a file has changed, and is missing
    # if an installation was interrupted; in both cases pip runs again.
    local pins
    pins=$(cat "$@" | cksum)
    if [ "$(cat "$venv/pins" 2> /dev/null)" != "$pins" ]; then
        [ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
        "$venv/bin/pip" install --quiet --no-cache-dir -r "$1" >&2
        [ $# -lt 2 ] || "$venv/bin/pip" install --quiet --no-deps -r "$2" >&2
        printf '%s\n' "$pins" > "$venv/pins"
    fi
}
