#!/usr/bin/env bash
# Does somebody lead the site, and do calls reach it? Asks /readyz through the Kubernetes API, so that nothing needs a way
# into the cluster's network.
#
#   deploy/pipeline/smoke.sh NAMESPACE SITE [SECONDS]
#
# 0 = a pod leads and answers; 1 = nobody does in time, and what /readyz says of each pod is printed.
set -euo pipefail
namespace=${1:?usage: smoke.sh NAMESPACE SITE [SECONDS]}
site=${2:?usage: smoke.sh NAMESPACE SITE [SECONDS]}
seconds=${3:-60}
selector="app.kubernetes.io/name=drover,app.kubernetes.io/component=controller,drover/site=$site"

# Name, port and "HTTPS" or "HTTP" of every controller of the site.
controllers() {
    kubectl --namespace "$namespace" get pods --selector "$selector" --output \
        'jsonpath={range .items[*]}{.metadata.name} {.spec.containers[0].ports[0].containerPort} {.spec.containers[0].readinessProbe.httpGet.scheme}{"\n"}{end}'
}

ask() {
    kubectl get --raw "/api/v1/namespaces/$namespace/pods/${3,,}:$1:$2/proxy/readyz" 2>&1
}

for ((left = seconds; ; left -= 2)); do
    leaders=0
    report=
    while read -r pod port scheme; do
        [ -n "$pod" ] || continue
        if answer=$(ask "$pod" "$port" "$scheme"); then leaders=$((leaders + 1)); fi
        report+="$pod: $answer"$'\n'
    done < <(controllers)
    if [ "$leaders" -eq 1 ]; then
        echo "smoke: $site is led"
        printf '%s' "$report"
        exit 0
    fi
    if [ "$left" -le 0 ]; then
        echo "smoke: failed: $leaders pod(s) lead $site after $seconds s" >&2
        printf '%s' "$report" >&2
        exit 1
    fi
    sleep 2
done
