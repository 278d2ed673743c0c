#!/usr/bin/env bash
# Copies the alerts into the chart: a chart can't read files outside itself. Run it after each change of the alerts; the
# chart's tests fail when the copy is an old one.
#
#   helm/sync-alerts.sh            copy
#   helm/sync-alerts.sh --check    compare: 0 the same, 1 not
set -euo pipefail
cd "$(dirname "$0")/.."

source=deploy/prometheus/alerts.yaml
copy=helm/drover/files/alerts.yaml

if [ ! -f "$source" ]; then
    echo "sync-alerts: no $source, so nothing to copy" >&2
    exit 2
fi
case "${1:-}" in
    "") install -m 0644 "$source" "$copy" ;;
    --check) cmp "$source" "$copy" ;;
    *)
        echo "usage: helm/sync-alerts.sh [--check]" >&2
        exit 2
        ;;
esac
