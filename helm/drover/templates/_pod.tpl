{{/* A volume with one key of a Secret or a ConfigMap, and no other. Arguments: name, secret, configMap, key. */}}
{{- define "drover.volume" -}}
- name: {{ .name }}
{{- if .secret }}
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0440
{{- else }}
  configMap:
    name: {{ .configMap | quote }}
{{- end }}
    items: [{key: {{ .key | quote }}, path: {{ .key | quote }}}]
{{- end -}}

{{- define "drover.layoutVolume" -}}
- name: layout
{{- if .Values.layout.existingConfigMap }}
  configMap: {name: {{ .Values.layout.existingConfigMap | quote }}}
{{- else if .Values.layout.existingClaim }}
  persistentVolumeClaim: {claimName: {{ .Values.layout.existingClaim | quote }}, readOnly: true}
{{- else if .Values.layout.url }}
  emptyDir: {sizeLimit: 512Mi}
{{- else }}
  configMap: {name: {{ include "drover.name" . }}-layout}
{{- end }}
{{- end -}}

{{/* Fetches the layout; what isn't the file that was named never gets its name. */}}
{{- define "drover.fetchLayout" -}}
- name: layout
  image: {{ .Values.layout.fetchImage }}
  command: [sh, -euc]
  args:
    - |
      curl --fail --silent --show-error --location --proto '=https' --retry 5 --max-filesize 500000000 \
        --output "/layout/part" "$LAYOUT_URL"
      echo "$LAYOUT_SHA256  /layout/part" | sha256sum -c -
      mv /layout/part "/layout/$LAYOUT_FILE"
  env:
    - {name: LAYOUT_URL, value: {{ .Values.layout.url | quote }}}
    - {name: LAYOUT_SHA256, value: {{ .Values.layout.sha256 | quote }}}
    - {name: LAYOUT_FILE, value: {{ .Values.layout.file | quote }}}
  resources:
    requests: {cpu: 50m, memory: 32Mi}
    limits: {cpu: 500m, memory: 128Mi}
  securityContext:
    {{- include "drover.confined" . | nindent 4 }}
  volumeMounts:
    - {name: layout, mountPath: /layout}
{{- end -}}

{{/* Sidecars begin before the controller and end after it, so that its last snapshot reaches the store. */}}
{{- define "drover.storeSidecar" -}}
{{- if .Values.gcp.cloudSql.instance }}
- name: cloud-sql-proxy
  image: {{ .Values.gcp.cloudSql.image }}
  restartPolicy: Always
  args:
    - --auto-iam-authn
    - --structured-logs
    - --address=127.0.0.1
    - --port=5432
    {{- if .Values.gcp.cloudSql.privateIp }}
    - --private-ip
    {{- end }}
    - --health-check
    - --http-address=0.0.0.0
    - --http-port=9090
    - {{ .Values.gcp.cloudSql.instance | quote }}
  ports:
    - {name: proxy-health, containerPort: 9090}
  startupProbe:
    httpGet: {path: /startup, port: proxy-health}
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /liveness, port: proxy-health}
    periodSeconds: 10
    failureThreshold: 3
  resources:
    {{- toYaml .Values.gcp.cloudSql.resources | nindent 4 }}
  securityContext:
    {{- include "drover.confined" . | nindent 4 }}
{{- else if .Values.gcp.spanner.instance }}
# Without -x PGAdapter serves connections from this pod alone; a probe from outside sees that it listens, no more.
- name: pgadapter
  image: {{ .Values.gcp.spanner.image }}
  restartPolicy: Always
  args:
    - -p
    - {{ .Values.gcp.spanner.project | quote }}
    - -i
    - {{ .Values.gcp.spanner.instance | quote }}
    - -d
    - {{ .Values.gcp.spanner.database | quote }}
    - -s
    - "5432"
    - -ddl
    - AutocommitExplicitTransaction
  startupProbe:
    tcpSocket: {port: 5432}
    periodSeconds: 1
    failureThreshold: 60
  resources:
    {{- toYaml .Values.gcp.spanner.resources | nindent 4 }}
  securityContext:
    {{- include "drover.confined" . | nindent 4 }}
  volumeMounts:
    - {name: pgadapter-tmp, mountPath: /tmp}
{{- end }}
{{- end -}}

{{/* Every file that drover.toml names, beside configuration and layout. */}}
{{- define "drover.volumes" -}}
{{- range $section := list "jobs" "mqtt" "store" "cache" }}
{{- $part := index $.Values $section }}
{{- if $part.urlSecret.name }}
{{ include "drover.volume" (dict "name" (printf "%s-url" $section) "secret" $part.urlSecret.name "key" $part.urlSecret.key) }}
{{- end }}
{{- if or $part.ca.secret $part.ca.configMap }}
{{ include "drover.volume" (dict "name" (printf "%s-ca" $section) "secret" $part.ca.secret "configMap" $part.ca.configMap "key" $part.ca.key) }}
{{- end }}
{{- end }}
{{- with .Values.mqtt.passwordSecret }}
{{- if .name }}
{{ include "drover.volume" (dict "name" "mqtt-password" "secret" .name "key" .key) }}
{{- end }}
{{- end }}
{{- with .Values.http.tlsSecret }}
- name: tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with .Values.auth.usersSecret }}
{{- if .name }}
{{ include "drover.volume" (dict "name" "users" "secret" .name "key" .key) }}
{{- end }}
{{- end }}
{{- if or .Values.auth.jwtKey.secret .Values.auth.jwtKey.configMap }}
{{ include "drover.volume" (dict "name" "jwt" "secret" .Values.auth.jwtKey.secret "configMap" .Values.auth.jwtKey.configMap "key" .Values.auth.jwtKey.key) }}
{{- end }}
{{- if .Values.gcp.spanner.instance }}
- name: pgadapter-tmp
  emptyDir: {sizeLimit: 64Mi}
{{- end }}
{{- end -}}

{{- define "drover.mounts" -}}
{{- range $section := list "jobs" "mqtt" "store" "cache" }}
{{- $part := index $.Values $section }}
{{- if $part.urlSecret.name }}
- {name: {{ $section }}-url, mountPath: /run/secrets/drover/{{ $section }}, readOnly: true}
{{- end }}
{{- if or $part.ca.secret $part.ca.configMap }}
- {name: {{ $section }}-ca, mountPath: /etc/drover/ca/{{ $section }}, readOnly: true}
{{- end }}
{{- end }}
{{- if .Values.mqtt.passwordSecret.name }}
- {name: mqtt-password, mountPath: /run/secrets/drover/mqtt-password, readOnly: true}
{{- end }}
{{- if .Values.http.tlsSecret }}
- {name: tls, mountPath: /etc/drover/tls, readOnly: true}
{{- end }}
{{- if .Values.auth.usersSecret.name }}
- {name: users, mountPath: /run/secrets/drover/users, readOnly: true}
{{- end }}
{{- if or .Values.auth.jwtKey.secret .Values.auth.jwtKey.configMap }}
- {name: jwt, mountPath: /etc/drover/jwt, readOnly: true}
{{- end }}
{{- end -}}
