#!/bin/sh
# Replaces the pods of a release by the StatefulSet's newest template, one by one: those that don't lead first, and the
# leader last, when the others stand. The chart runs it as a Job after install, upgrade and rollback; by hand it is
#
#   rollout.sh NAMESPACE STATEFULSET [leader|standby]
#
# leader (the default): ends well when one pod leads. standby: another release of the site leads, so nobody need lead here.
# TIMEOUT_S seconds for everything, SETTLE_S seconds that a new pod must stand, POLL_S seconds between two looks.
#
# It never stops a leader before every other pod of the new template has started and stood: a version that doesn't start
# ends this script with 1, and the old leader goes on.
set -eu

namespace=${1:?usage: rollout.sh NAMESPACE STATEFULSET [leader|standby]}
set_name=${2:?usage: rollout.sh NAMESPACE STATEFULSET [leader|standby]}
want=${3:-leader}
timeout_s=${TIMEOUT_S:-240}
settle_s=${SETTLE_S:-10}
poll_s=${POLL_S:-2}
deadline=$(($(date +%s) + timeout_s))

case $want in leader | standby) ;; *)
    echo "rollout: the third argument is leader or standby, not $want" >&2
    exit 2
    ;;
esac

kube() {
    kubectl --namespace "$namespace" "$@"
}

say() {
    echo "rollout: $*"
}

# Waits a moment, or ends the script when the time is up. Argument: what it waits for.
pause() {
    if [ "$(date +%s)" -ge "$deadline" ]; then
        echo "rollout: failed: waited $timeout_s s, the last for $1" >&2
        exit 1
    fi
    sleep "$poll_s"
}

# Fields of the StatefulSet.
read_set() {
    kube get statefulset "$set_name" -o "jsonpath=$1"
}

# Sets uid, revision, ready, started, restarts and leaving of a pod; all empty when there is none.
read_pod() {
    until found=$(kube get pod "$1" --ignore-not-found -o "jsonpath={.metadata.uid}|\
{.metadata.labels.controller-revision-hash}|\
{.status.conditions[?(@.type==\"Ready\")].status}|\
{.status.containerStatuses[?(@.name==\"drover\")].started}|\
{.status.containerStatuses[?(@.name==\"drover\")].restartCount}|\
{.metadata.deletionTimestamp}"); do
        pause "Kubernetes to answer"
    done
    IFS='|' read -r uid revision ready started restarts leaving <<POD
$found
POD
}

pods() {
    i=0
    while [ "$i" -lt "$replicas" ]; do
        echo "$set_name-$i"
        i=$((i + 1))
    done
}

# The pod to replace next and its part: an old one that doesn't lead, else the old leader; nothing = none is old.
next_old() {
    leader=
    for pod in $(pods); do
        read_pod "$pod"
        [ -n "$uid" ] && [ "$revision" = "$target" ] && [ -z "$leaving" ] && continue
        if [ "$ready" = True ]; then leader=$pod; else echo "$pod standby" && return; fi
    done
    [ -z "$leader" ] || echo "$leader leader"
}

# The pod is of the new template, has started, and stands for a while without a restart.
stands() {
    read_pod "$1"
    [ "$revision" = "$target" ] && [ "$started" = true ] && [ -z "$leaving" ] || return 1
    seen="$uid $restarts"
    sleep "$settle_s"
    read_pod "$1"
    [ "$seen" = "$uid $restarts" ] && [ "$started" = true ] && [ -z "$leaving" ]
}

await_standing() {
    until stands "$1"; do
        pause "$1 to start and stand for $settle_s s"
    done
}

others_stand() {
    for other in $(pods); do
        [ "$other" = "$1" ] || stands "$other" || return 1
    done
}

await_leader() {
    while :; do
        for pod in $(pods); do
            read_pod "$pod"
            if [ "$ready" = True ] && [ "$revision" = "$target" ]; then
                say "$pod leads"
                return
            fi
        done
        pause "a pod to lead (/readyz says what is missing)"
    done
}

while :; do
    state=$(read_set '{.metadata.generation} {.status.observedGeneration} {.spec.replicas} {.status.updateRevision}') || state=
    # shellcheck disable=SC2086 # four words
    set -- $state
    if [ $# -eq 4 ] && [ "$1" = "$2" ]; then
        replicas=$3
        target=$4
        break
    fi
    pause "the StatefulSet's new template to be seen"
done

while :; do
    old=$(next_old)
    [ -n "$old" ] || break
    pod=${old% *}
    # The lead may have moved since: then look again who goes first.
    if [ "${old#* }" = leader ]; then
        others_stand "$pod" || { pause "the others to stand" && continue; }
        say "$pod leads and is old: the lead passes on"
        read_pod "$pod"
    else
        read_pod "$pod"
        [ "$ready" != True ] || { pause "the lead to settle" && continue; }
    fi
    if [ -n "$uid" ] && [ -z "$leaving" ] && ! kube delete pod "$pod" --wait=false; then
        pause "$pod to be deleted"
        continue
    fi
    await_standing "$pod"
done

for pod in $(pods); do
    await_standing "$pod"
done
if [ "$want" = leader ] && [ "$replicas" -gt 0 ]; then
    await_leader
fi
say "done: $replicas pod(s) of $target"
