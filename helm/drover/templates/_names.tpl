{{/* The release's name with "drover" in it. Short enough for a pod's number and revision behind it. */}}
{{- define "drover.name" -}}
{{- $name := ternary .Release.Name (printf "%s-drover" .Release.Name) (contains "drover" .Release.Name) -}}
{{- $name | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{- define "drover.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "drover.selector" . }}
{{- end -}}

{{/* Of this release, whatever its part. */}}
{{- define "drover.selector" -}}
app.kubernetes.io/name: drover
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The controllers of this release. */}}
{{- define "drover.controllers" -}}
{{ include "drover.selector" . }}
app.kubernetes.io/component: controller
{{- end -}}

{{/* The controllers of this site, of whatever release: one of them leads and is ready. */}}
{{- define "drover.ofSite" -}}
app.kubernetes.io/name: drover
app.kubernetes.io/component: controller
drover/site: {{ .Values.site.id | quote }}
{{- end -}}

{{- define "drover.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "drover.name" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/* An image of values {repository, tag, digest}. Arguments: image, root. */}}
{{- define "drover.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "drover.scheme" -}}
{{ ternary "HTTPS" "HTTP" (ne .Values.http.tlsSecret "") }}
{{- end -}}

{{/* What every container of ours may do: nothing. */}}
{{- define "drover.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "drover.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}
