#!/bin/bash
# Deploys a CVM on a dstack host with vmm-cli.py, and gets its proof; see `hosted.sh --help`.
# vmm-cli.py gets the host's password in its environment, since anyone can read a command line.
set -euo pipefail

usage() {
    cat <<'END'
usage: hosted.sh [-n] [-c FILE] COMMAND

  render [FILE]   print a compose file with the settings filled in; by default, CVM_COMPOSE
  compose         write docker-compose.yaml and app-compose.json here; print the compose hash
  allow           allow that hash in the app contract, with a transaction if it is not yet allowed
  deploy          create the CVM if none has this name; print its id
  logs [-f]       print the serial console; with -f, keep printing
  proof           wait for the proof on the serial console, and print it

  -n              change nothing: print the commands
  -c FILE         read settings from the NAME=VALUE lines of FILE, which no other user may read
                  (chmod 600); environment variables override it
  -h, --help      print this help

settings
  DSTACK_VMM_URL    the host's VMM; DSTACK_VMM_AUTH_USER and DSTACK_VMM_AUTH_PASSWORD, or DSTACK_VMM_TOKEN
  VMM_CLI           the path of vmm-cli.py; by default, found in PATH
  CVM_NAME          the CVM's name; teebridge by default
  CVM_COMPOSE       the compose file; by default, docker-compose.selfhosted.yaml beside this script
  CVM_IMAGE         the host's dstack image, such as dstack-0.5.7
  CVM_PORT          a port to forward, such as tcp:0.0.0.0:18080:8080; none by default
  TEEBRIDGE_IMAGE   REGISTRY/NAME@sha256:DIGEST
  BRIDGE_CONTRACT, ETH_RPC_URL, CHAIN   the bridge, a node of its chain, and that chain
  DSTACK_APP_ID     the address of the app contract, which lists the compose hashes that may boot
  DSTACK_KMS_URL    the URL at which the CVM reaches the KMS
  KMS_RPC_URL, KMS_CHAIN   a node of the app contract's chain, and that chain
  TEEBRIDGE_KEY     the source of the app owner's key, as for tx-send
  PROOF_TIMEOUT     how long `proof` waits, such as 600, 90s or 10m; 10m by default
END
}

credentials=(DSTACK_VMM_AUTH_USER DSTACK_VMM_AUTH_PASSWORD DSTACK_VMM_TOKEN)
settings=(DSTACK_VMM_URL "${credentials[@]}" VMM_CLI CVM_NAME CVM_COMPOSE CVM_IMAGE CVM_PORT TEEBRIDGE_IMAGE
    BRIDGE_CONTRACT ETH_RPC_URL CHAIN DSTACK_APP_ID DSTACK_KMS_URL KMS_RPC_URL KMS_CHAIN TEEBRIDGE_KEY PROOF_TIMEOUT)

# The forms of settings. A URL can neither end a YAML string nor hold a user name and password.
is_name='[A-Za-z0-9][A-Za-z0-9._-]*'
is_address='0x[0-9a-fA-F]{40}'
is_image='[a-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}'
is_url='https?://[^][:space:]"'\''\$@{}<>|]+'
is_port='(tcp|udp):([0-9.]+:)?[0-9]+:[0-9]+'

fail() {
    printf 'hosted: error: %s\n' "$1" >&2
    [[ -z ${2-} ]] || printf 'hosted: hint: %s\n' "$2" >&2
    exit 2
}

# Reads settings from a file. No message shows a line of it: one holds the password.
read_settings() {
    local file=$1 line mode number=0
    [[ -f $file && -r $file ]] || fail "'$file' is not a readable file"
    mode=$(stat -L -c %a -- "$file")
    (( (8#$mode & 8#077) == 0 )) || fail "other users have access to '$file' (mode $mode)" "chmod 600 '$file'"
    while IFS= read -r line || [[ -n $line ]]; do
        (( ++number ))
        [[ -n $line && $line != '#'* ]] || continue
        [[ $line == *=* && " ${settings[*]} " == *" ${line%%=*} "* ]] || fail "'$file', line $number: this is not a setting"
        [[ -v ${line%%=*} ]] || printf -v "${line%%=*}" %s "${line#*=}"
    done < "$file"
}

# Checks settings: check NAME PATTERN EXAMPLE…
check() {
    while (( $# )); do
        [[ -n ${!1-} ]] || fail "$1 is not set" "it looks like $3; see hosted.sh --help"
        [[ ${!1} =~ ^($2)$ ]] || fail "$1 does not look like $3"
        shift 3
    done
}

check_app() { check DSTACK_APP_ID "$is_address" 0x0123456789abcdef0123456789abcdef01234567; }

check_vmm() {
    check DSTACK_VMM_URL "$is_url|unix:.+" https://vmm.example.org CVM_NAME "$is_name" teebridge
    [[ -z ${DSTACK_VMM_AUTH_USER-} || -n ${DSTACK_VMM_AUTH_PASSWORD-} ]] ||
        fail 'DSTACK_VMM_AUTH_PASSWORD is not set, but DSTACK_VMM_AUTH_USER is' 'hosted.sh -c FILE reads it from a file'
}

# Becomes vmm-cli.py, with its own credentials and nobody else's, and with output that does not wait for more.
become_vmm() {
    command -v "$VMM_CLI" > /dev/null ||
        fail "there is no program '$VMM_CLI'" 'set VMM_CLI to the path of vmm-cli.py, from the dstack repository'
    unset TEEBRIDGE_KEY PRIVATE_KEY ETH_KEYSTORE ETH_PASSWORD
    export PYTHONUNBUFFERED=1 DSTACK_VMM_URL "${credentials[@]?}"
    exec "$VMM_CLI" "$@"
}

# Runs vmm-cli.py, or prints the command.
vmm() {
    if [[ $dry ]]; then echo "vmm-cli.py ${*@Q}"; else (become_vmm "$@"); fi
}

# The ids of the CVMs of this name.
cvm_ids() {
    vmm lsvm --json | jq -r --arg name "$CVM_NAME" '.[] | select(.name == $name) | .id'
}

# The id of the one CVM of this name.
cvm_id() {
    local ids
    [[ ! $dry ]] || { echo ID; return; }
    ids=$(cvm_ids)
    [[ -n $ids ]] || fail "there is no CVM '$CVM_NAME'" 'hosted.sh deploy'
    [[ $ids != *$'\n'* ]] || fail "there is more than one CVM '$CVM_NAME'" 'vmm-cli.py remove ID'
    echo "$ids"
}

compose_hash() {
    [[ -r app-compose.json ]] || fail 'there is no app-compose.json' 'hosted.sh compose'
    sha256sum < app-compose.json | cut -c 1-64
}

render() {
    local text setting
    [[ -r $1 ]] || fail "there is no compose file '$1'"
    check TEEBRIDGE_IMAGE "$is_image" REGISTRY/NAME@sha256:DIGEST BRIDGE_CONTRACT "$is_address" 0x… \
        ETH_RPC_URL "$is_url" https://mainnet.base.org CHAIN "$is_name" base
    text=$(< "$1")
    for setting in TEEBRIDGE_IMAGE BRIDGE_CONTRACT ETH_RPC_URL CHAIN; do
        text=${text//"\${$setting}"/"${!setting}"}
    done
    [[ $text != *'$'* ]] || fail "'$1' has a \$ that does not belong to a setting" 'a CVM has no environment with a value for it'
    printf '%s\n' "$text"
}

compose() {
    local before='' hash text
    check CVM_NAME "$is_name" teebridge
    if [[ $dry ]]; then
        echo "hosted.sh render ${CVM_COMPOSE@Q} > docker-compose.yaml"
        compose_app app-compose.json
        return
    fi
    [[ ! -e app-compose.json ]] || before=$(compose_hash)
    text=$(render "$CVM_COMPOSE")
    echo "$text" > docker-compose.yaml.new
    mv docker-compose.yaml.new docker-compose.yaml
    compose_app app-compose.json.new >&2
    mv app-compose.json.new app-compose.json
    hash=$(compose_hash)
    [[ -z $before || $before == "$hash" ]] ||
        echo "hosted: warning: the compose hash is no longer 0x$before: it must be allowed, and the CVM updated" >&2
    echo "0x$hash"
}

# The containers' logs are public; they hold no secrets.
compose_app() {
    vmm compose --name "$CVM_NAME" --docker-compose docker-compose.yaml --kms --public-logs --output "$1"
}

allow() {
    local hash
    check_app
    check KMS_RPC_URL "$is_url" https://sepolia.example.org KMS_CHAIN "$is_name" sepolia
    hash=$(compose_hash)
    if [[ $dry ]]; then
        # shellcheck disable=SC2016  # a URL may hold an API key
        echo "abi-encode add-compose-hash --app $DSTACK_APP_ID 0x$hash" \
            '| ETH_RPC_URL=$KMS_RPC_URL CHAIN=$KMS_CHAIN tx-send'
    else
        [[ ! -v TEEBRIDGE_KEY ]] || export TEEBRIDGE_KEY
        abi-encode add-compose-hash --app "$DSTACK_APP_ID" "0x$hash" |
            ETH_RPC_URL=$KMS_RPC_URL CHAIN=$KMS_CHAIN tx-send
    fi
}

deploy() {
    local there command
    check_vmm
    check_app
    check CVM_IMAGE "$is_name" dstack-0.5.7 DSTACK_KMS_URL "$is_url" https://kms.example.org:9100
    [[ -z ${CVM_PORT-} ]] || check CVM_PORT "$is_port" tcp:0.0.0.0:18080:8080
    compose_hash > /dev/null
    command=(deploy --name "$CVM_NAME" --image "$CVM_IMAGE" --compose app-compose.json --kms-url "$DSTACK_KMS_URL"
        --app-id "${DSTACK_APP_ID#0x}" ${CVM_PORT:+--port "$CVM_PORT"})
    if [[ $dry ]]; then
        vmm lsvm --json
        vmm "${command[@]}"
        return
    fi
    there=$(cvm_ids)
    if [[ -n $there ]]; then
        echo "hosted: warning: there is a CVM '$CVM_NAME' already, which was left as it is" >&2
        echo 'hosted: hint: vmm-cli.py update-app-compose ID app-compose.json gives it another compose file' >&2
        echo "$there"
    else
        vmm "${command[@]}" >&2
        cvm_id
    fi
}

# More lines than a console has between two of the agent's PROOF_JSON.
logs() {
    local id
    check_vmm
    id=$(cvm_id)
    vmm logs "$id" -n 10000 "$@"
}

proof() {
    local id
    check_vmm
    check PROOF_TIMEOUT '[0-9]+[smh]?' 10m
    id=$(cvm_id)
    if [[ $dry ]]; then
        echo "$(vmm logs "$id" -n 10000 -f) | proof-extract --follow --timeout $PROOF_TIMEOUT"
        return
    fi
    # Not a pipeline, which would last until vmm-cli.py has a line more to write.
    exec {log}< <(become_vmm logs "$id" -n 10000 -f)
    follower=$!
    trap 'kill "$follower" 2> /dev/null || true' EXIT
    proof-extract --follow --timeout "$PROOF_TIMEOUT" <&"$log"
}

for word; do
    [[ $word != --help ]] || { usage; exit; }
done
dry=''
while getopts nc:h option; do
    case $option in
        n) dry=yes ;;
        c) read_settings "$OPTARG" ;;
        h) usage; exit ;;
        *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))

# Only vmm-cli.py gets the host's credentials.
export -n "${credentials[@]?}"
: "${VMM_CLI:=vmm-cli.py}" "${CVM_NAME:=teebridge}" "${PROOF_TIMEOUT:=10m}"
: "${CVM_COMPOSE:=$(dirname "$0")/docker-compose.selfhosted.yaml}"

case "$*" in
    compose | allow | deploy | logs | 'logs -f' | proof) "$@" ;;
    render) render "$CVM_COMPOSE" ;;
    render\ *) render "$2" ;;
    *) usage >&2; exit 2 ;;
esac
