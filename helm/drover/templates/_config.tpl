{{/* One line of drover.toml; nothing when there is no value. Arguments: key, value. */}}
{{- define "drover.line" -}}
{{- if .value }}{{ .key }} = {{ .value | toRawJson }}
{{ end -}}
{{- end -}}

{{/* url or url_file, and ca. Arguments: section, part. */}}
{{- define "drover.peer" -}}
{{- if .part.urlSecret.name -}}
url_file = {{ printf "/run/secrets/drover/%s/%s" .section .part.urlSecret.key | toRawJson }}
{{ else if .part.url -}}
url = {{ .part.url | toRawJson }}
{{ end -}}
{{- end -}}

{{- define "drover.ca" -}}
{{- if or .part.ca.secret .part.ca.configMap -}}
ca = {{ printf "/etc/drover/ca/%s/%s" .section .part.ca.key | toRawJson }}
{{ end -}}
{{- end -}}

{{- define "drover.storeUrl" -}}
{{- if .Values.gcp.cloudSql.instance -}}
postgres://{{ .Values.gcp.cloudSql.user | replace "@" "%40" }}@127.0.0.1:5432/{{ .Values.gcp.cloudSql.database }}?sslmode=disable
{{- else if .Values.gcp.spanner.instance -}}
postgres://drover@127.0.0.1:5432/{{ .Values.gcp.spanner.database }}?sslmode=disable
{{- else -}}
{{ .Values.store.url }}
{{- end -}}
{{- end -}}

{{/* drover.toml. Secrets are named by file, never written. */}}
{{- define "drover.toml" -}}
[site]
id = {{ .Values.site.id | toRawJson }}
layout = {{ printf "/etc/drover/layout/%s" .Values.layout.file | toRawJson }}
{{ if .Values.site.toml -}}
site = "/etc/drover/config/site.toml"
{{ else if .Values.site.tomlFile -}}
site = {{ printf "/etc/drover/layout/%s" .Values.site.tomlFile | toRawJson }}
{{ end }}
[jobs]
{{ include "drover.peer" (dict "section" "jobs" "part" .Values.jobs) }}
{{- include "drover.ca" (dict "section" "jobs" "part" .Values.jobs) }}
{{- if hasKey .Values.jobs "leg_timeout_s" -}}
leg_timeout_s = {{ int64 .Values.jobs.leg_timeout_s }}
{{ end }}
[mqtt]
{{ include "drover.peer" (dict "section" "mqtt" "part" .Values.mqtt) }}
{{- include "drover.line" (dict "key" "interface" "value" .Values.mqtt.interface) }}
{{- include "drover.line" (dict "key" "username" "value" .Values.mqtt.username) }}
{{- if .Values.mqtt.passwordSecret.name -}}
password_file = {{ printf "/run/secrets/drover/mqtt-password/%s" .Values.mqtt.passwordSecret.key | toRawJson }}
{{ end }}
{{- include "drover.ca" (dict "section" "mqtt" "part" .Values.mqtt) }}
[store]
{{ include "drover.peer" (dict "section" "store" "part" (dict "url" (include "drover.storeUrl" .) "urlSecret" .Values.store.urlSecret)) }}
{{- range $key := list "snapshot_ms" "snapshot_events" "keep_days" }}
{{- if hasKey $.Values.store $key }}{{ $key }} = {{ int64 (index $.Values.store $key) }}
{{ end }}
{{- end }}
[cache]
{{ include "drover.peer" (dict "section" "cache" "part" .Values.cache) }}
{{- include "drover.ca" (dict "section" "cache" "part" .Values.cache) }}
[robots]
enroll = {{ .Values.robots.enroll | toRawJson }}
policy = {{ .Values.robots.policy | toRawJson }}

[http]
listen = {{ printf (ternary "[%s]:%d" "%s:%d" (contains ":" .Values.http.address)) .Values.http.address (int .Values.http.port) | toRawJson }}
{{ if .Values.http.tlsSecret -}}
tls_cert = "/etc/drover/tls/tls.crt"
tls_key = "/etc/drover/tls/tls.key"
{{ end }}
[auth]
anonymous = {{ .Values.auth.anonymous | toRawJson }}
{{ if .Values.auth.usersSecret.name -}}
users = {{ printf "/run/secrets/drover/users/%s" .Values.auth.usersSecret.key | toRawJson }}
{{ end }}
{{- if or .Values.auth.jwtKey.secret .Values.auth.jwtKey.configMap -}}
jwt_key = {{ printf "/etc/drover/jwt/%s" .Values.auth.jwtKey.key | toRawJson }}
{{ end }}
{{- range $key := list "jwt_issuer" "jwt_audience" "jwt_role_claim" }}
{{- include "drover.line" (dict "key" $key "value" (index $.Values.auth $key)) }}
{{- end }}
{{- if .Values.trace.otlp }}
[trace]
otlp = {{ .Values.trace.otlp | toRawJson }}
{{ end }}
[log]
format = {{ .Values.log.format | toRawJson }}
level = {{ .Values.log.level | toRawJson }}
{{- range $section := list "plan" "release" }}
{{- with index $.Values $section }}

[{{ $section }}]
{{- range $key, $value := . }}
{{ $key }} = {{ int64 $value }}
{{- end }}
{{- end }}
{{- end }}
{{ end -}}
