#!/usr/bin/env bash
# How big the agent is: its binary's bytes, and the memory of a process with one robot on a broker.
#
#   scripts/agent-size.sh                  builds the release binary and measures it
#   PROFILE=debug scripts/agent-size.sh    the debug binary, to try the script itself
#
# Starts a private mosquitto on a free loopback port and one agent with one simulated robot, waits until the robot is
# online, reads /proc, and stops both. Prints one JSON line:
#   {"profile":"release","binary_bytes":..,"stripped_bytes":..,"rss_kb":..,"rss_peak_kb":..,"threads":..}
# `stripped_bytes` is null where `strip` isn't installed.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${PROFILE:-release}
case $profile in
release) flags=(--release) ;;
debug) flags=() ;;
*)
    echo "agent-size: PROFILE = $profile: use release or debug" >&2
    exit 2
    ;;
esac

broker=$(PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto) || {
    echo "agent-size: mosquitto isn't installed; run scripts/install.sh test" >&2
    exit 1
}

"${CARGO:-cargo}" build "${flags[@]}" -p drover-agent --bin drover-agent >&2
binary=${CARGO_TARGET_DIR:-target}/$profile/drover-agent

folder=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# until_holds WHAT COMMAND...: asks ten times a second, 30 s at most.
until_holds() {
    local what=$1
    shift
    for _ in $(seq 300); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    echo "agent-size: $what didn't happen within 30 s" >&2
    cat "$folder"/*.log >&2
    exit 1
}

start_broker() {
    local port
    for port in $(shuf -i 20000-32000 -n 20); do
        is_open "$port" && continue
        printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n' "$port" >"$folder/mosquitto.conf"
        "$broker" -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 &
        pids+=($!)
        until_holds "a listening broker" is_open "$port"
        # Somebody else may have been quicker: then ours has ended.
        if kill -0 "${pids[-1]}" 2>/dev/null; then
            url=mqtt://127.0.0.1:$port
            return
        fi
    done
    echo "agent-size: no free port for mosquitto" >&2
    exit 1
}

start_broker
cat >"$folder/agent.toml" <<END
[mqtt]
url = "$url"

[[robot]]
manufacturer = "acme"
serial = "r01"
driver = "simulated"
map = "floor"
x_m = 0.0
y_m = 0.0
END
env -u DROVER_MQTT__URL DROVER_LOG=info "$binary" --config "$folder/agent.toml" >/dev/null 2>"$folder/agent.log" &
pids+=($!)
agent=$!
until_holds "a robot online" grep -q "all robots are online" "$folder/agent.log"
# What starting needed is given back by then.
sleep 2

field() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$agent/status"; }
stripped=null
if command -v strip >/dev/null 2>&1; then
    strip -o "$folder/stripped" "$binary"
    stripped=$(stat -c %s "$folder/stripped")
fi
printf '{"profile":"%s","binary_bytes":%s,"stripped_bytes":%s,"rss_kb":%s,"rss_peak_kb":%s,"threads":%s}\n' \
    "$profile" "$(stat -c %s "$binary")" "$stripped" "$(field VmRSS)" "$(field VmHWM)" "$(field Threads)"
