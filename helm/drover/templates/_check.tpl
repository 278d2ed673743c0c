{{/* What a schema can't say. Every message names the key and the mend. */}}
{{- define "drover.check" -}}
{{- $v := .Values -}}
{{- if not $v.site.id -}}
  {{- fail "site.id is missing: give the site a short name, e.g. --set site.id=fresh-dc" -}}
{{- end -}}
{{- include "drover.checkLayout" . -}}
{{- range $section := list "jobs" "mqtt" "store" "cache" -}}
  {{- $part := index $v $section -}}
  {{- include "drover.checkUrl" (dict "key" (printf "%s.url" $section) "url" $part.url) -}}
  {{- if and $part.ca.secret $part.ca.configMap -}}
    {{- fail (printf "%s.ca.secret and %s.ca.configMap are both given: keep one" $section $section) -}}
  {{- end -}}
{{- end -}}
{{- include "drover.checkUrl" (dict "key" "trace.otlp" "url" $v.trace.otlp) -}}
{{- range $section := list "jobs" "mqtt" -}}
  {{- $part := index $v $section -}}
  {{- if and $part.url $part.urlSecret.name -}}
    {{- fail (printf "%s.url and %s.urlSecret.name are both given: keep one" $section $section) -}}
  {{- end -}}
  {{- if not (or $part.url $part.urlSecret.name) -}}
    {{- fail (printf "%s.url is missing: give a URL without a password, or name the Secret that holds it in %s.urlSecret.name" $section $section) -}}
  {{- end -}}
{{- end -}}
{{- $stores := 0 -}}
{{- range $given := list $v.store.url $v.store.urlSecret.name $v.gcp.cloudSql.instance $v.gcp.spanner.instance -}}
  {{- if $given -}}{{- $stores = add $stores 1 -}}{{- end -}}
{{- end -}}
{{- if ne (int $stores) 1 -}}
  {{- fail (printf "store: exactly one of store.url, store.urlSecret.name, gcp.cloudSql.instance and gcp.spanner.instance is wanted, %d are given" (int $stores)) -}}
{{- end -}}
{{- if and $v.gcp.cloudSql.instance (not $v.gcp.cloudSql.user) -}}
  {{- fail "gcp.cloudSql.user is missing: the database user of the service account, e.g. drover@my-project.iam" -}}
{{- end -}}
{{- if and $v.gcp.spanner.instance (not (and $v.gcp.spanner.project $v.gcp.spanner.image)) -}}
  {{- fail "gcp.spanner.project and gcp.spanner.image are both needed: give the project, and PGAdapter's image with its version" -}}
{{- end -}}
{{- if and $v.cache.urlSecret.name (not (has $v.cache.url (list "" "none"))) -}}
  {{- fail "cache.url and cache.urlSecret.name are both given: keep one" -}}
{{- end -}}
{{- if and $v.mqtt.passwordSecret.name (or (not $v.mqtt.username) (contains "@" $v.mqtt.url) $v.mqtt.urlSecret.name) -}}
  {{- fail "mqtt.username is missing, or mqtt.url names a user: mqtt.passwordSecret goes with mqtt.username and a mqtt.url without a user" -}}
{{- end -}}
{{- if and $v.auth.jwtKey.secret $v.auth.jwtKey.configMap -}}
  {{- fail "auth.jwtKey.secret and auth.jwtKey.configMap are both given: keep one" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) -}}
  {{- fail "ingress.host is missing: the name under which the page is reached" -}}
{{- end -}}
{{- if and $v.gcp.managedCertificate (not $v.ingress.enabled) -}}
  {{- fail "gcp.managedCertificate needs ingress.enabled and ingress.host" -}}
{{- end -}}
{{- end -}}

{{- define "drover.checkLayout" -}}
{{- $layout := .Values.layout -}}
{{- $sources := 0 -}}
{{- range $given := list $layout.existingConfigMap $layout.existingClaim $layout.url $layout.inline -}}
  {{- if $given -}}{{- $sources = add $sources 1 -}}{{- end -}}
{{- end -}}
{{- if ne (int $sources) 1 -}}
  {{- fail (printf "layout: exactly one of layout.existingConfigMap, layout.existingClaim, layout.url and layout.inline is wanted, %d are given" (int $sources)) -}}
{{- end -}}
{{- if gt (len $layout.inline) 900000 -}}
  {{- fail (printf "layout.inline has %d bytes, a ConfigMap holds 1 MiB: use layout.existingClaim or layout.url" (len $layout.inline)) -}}
{{- end -}}
{{- if and $layout.url (not $layout.sha256) -}}
  {{- fail "layout.sha256 is missing: layout.url needs the file's SHA-256, so that no other layout is loaded" -}}
{{- end -}}
{{- if and .Values.site.toml .Values.site.tomlFile -}}
  {{- fail "site.toml and site.tomlFile are both given: keep one" -}}
{{- end -}}
{{- if and .Values.site.tomlFile (not (or $layout.existingConfigMap $layout.existingClaim)) -}}
  {{- fail "site.tomlFile goes with layout.existingConfigMap or layout.existingClaim: use site.toml" -}}
{{- end -}}
{{- end -}}

{{- define "drover.checkUrl" -}}
{{- if or (regexMatch "^[a-z+]+://[^/@]*:[^/@]*@" .url) (regexMatch "[?&]password=" .url) -}}
  {{- fail (printf "%s holds a password, and values aren't secret: put the whole URL into a Secret and name it in %sSecret.name" .key .key) -}}
{{- end -}}
{{- end -}}
