# Sourced by the scripts that run Python: makes target/NAME with the pins of the files that follow, of
# the second, if there is one, without what its packages ask for. PYTHON names the interpreter (3.11 or
# later).
#   virtual_environment NAME REQUIREMENTS [WITHOUT_DEPENDENCIES]; then $venv is its directory
virtual_environment() {
    venv=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/target/$1
    shift
    # A stamp of the pins: changed pins are installed over the old ones, and a venv whose install broke
    # off is not taken for a whole one.
    local pins
    pins=$(cat "$@" | cksum)
    if [ "$(cat "$venv/pins" 2> /dev/null)" != "$pins" ]; then
        [ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
        "$venv/bin/pip" install --quiet --no-cache-dir -r "$1" >&2
        [ $# -lt 2 ] || "$venv/bin/pip" install --quiet --no-deps -r "$2" >&2
        printf '%s\n' "$pins" > "$venv/pins"
    fi
}
