#!/usr/bin/env bash
# Blue/green for one site: two releases of the same site, of which one leads and the other has no pods. This script starts the
# resting one with what you give as a warm standby, lets the lead pass to it, and goes back when it doesn't lead in time.
# One lease per site sees to it that never two lead; the Service of either release finds the leader of both.
#
#   deploy/pipeline/switch.sh NAMESPACE SITE BLUE GREEN [options for helm upgrade ...]
#   deploy/pipeline/switch.sh production fresh-dc fresh-dc-blue fresh-dc-green -f sites/fresh-dc.yaml --set image.tag=0.2.0
#
# Ingress, alerts and ServiceMonitor belong to one of the two releases, whichever leads.
set -euo pipefail
usage="usage: switch.sh NAMESPACE SITE BLUE GREEN [helm options ...]"
namespace=${1:?$usage}
site=${2:?$usage}
blue=${3:?$usage}
green=${4:?$usage}
shift 4
chart=${CHART:-helm/drover}
lead_s=${LEAD_S:-60}
poll_s=${POLL_S:-1}

kube() {
    kubectl --namespace "$namespace" "$@"
}

of_release() {
    echo "app.kubernetes.io/name=drover,app.kubernetes.io/component=controller,app.kubernetes.io/instance=$1"
}

# The release whose pod leads; nothing when nobody does.
leading() {
    kube get pods --selector "app.kubernetes.io/name=drover,app.kubernetes.io/component=controller,drover/site=$site" --output \
        'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {.metadata.labels.app\.kubernetes\.io/instance}{"\n"}{end}' |
        awk '$1 == "True" { print $2; exit }'
}

scale() {
    kube scale statefulset --selector "$(of_release "$1")" --replicas="$2"
}

await_lead_of() {
    local deadline=$((SECONDS + lead_s))
    until [ "$(leading)" = "$1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep "$poll_s"
    done
}

# Helm 4 renamed the option, and its new way of waiting isn't for pods that are never ready.
atomic=(--atomic)
case "$(helm version --template '{{.Version}}')" in v4.*) atomic=(--rollback-on-failure --wait=legacy) ;; esac

from=$(leading)
case "$from" in
    "$blue") to=$green ;;
    "$green") to=$blue ;;
    *)
        echo "switch: failed: ${from:-nobody} leads $site, neither $blue nor $green; nothing was changed" >&2
        exit 1
        ;;
esac
size=$(kube get statefulset --selector "$(of_release "$from")" --output 'jsonpath={.items[0].spec.replicas}')

echo "switch: $from leads $site; $to comes up beside it"
helm upgrade --install "$to" "$chart" --namespace "$namespace" "${atomic[@]}" --timeout 10m "$@" \
    --set replicas=1 --set standby=true

echo "switch: the lead passes from $from to $to"
scale "$from" 0
if ! await_lead_of "$to"; then
    echo "switch: $to doesn't lead after $lead_s s: back to $from" >&2
    scale "$to" 0
    scale "$from" "$size"
    if await_lead_of "$from"; then
        echo "switch: failed: $from leads again" >&2
    else
        echo "switch: failed: NOBODY LEADS $site; look at the brokers and the store" >&2
    fi
    exit 1
fi

echo "switch: $to leads; it gets its standby"
helm upgrade "$to" "$chart" --namespace "$namespace" "${atomic[@]}" --timeout 10m "$@" \
    --set replicas="$size" --set standby=false
echo "switch: done; $from rests with its old version, the way back is this script with the old options"
