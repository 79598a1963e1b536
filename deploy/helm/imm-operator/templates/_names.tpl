{{/* The release's name for its objects: each name ends in -SHARD where there is one, so several releases fit into one cluster. */}}
{{- define "imm-operator.fullname" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if not (or .Values.fullnameOverride (contains .Chart.Name .Release.Name)) -}}
{{- $name = printf "%s-%s" .Release.Name .Chart.Name -}}
{{- end -}}
{{- $shard := include "imm-operator.shard" . -}}
{{- if and $shard (not (hasSuffix (printf "-%s" $shard) $name)) -}}
{{- $name = printf "%s-%s" $name $shard -}}
{{- end -}}
{{- if gt (len $name) 45 -}}{{/* -leader-election and what a pod's name appends have to fit into 63 */}}
{{- fail (printf "the objects would be called %s, which is longer than 45 characters: shorten the release's name or set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The shard called default is the one without a name, as for the operator. */}}
{{- define "imm-operator.shard" -}}
{{- if ne .Values.shard "default" -}}{{ .Values.shard }}{{- end -}}
{{- end -}}

{{- define "imm-operator.selector" -}}
app.kubernetes.io/name: imm-operator
app.kubernetes.io/instance: {{ include "imm-operator.fullname" . }}
{{- end -}}

{{- define "imm-operator.labels" -}}
{{ include "imm-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: imm-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "imm-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "imm-operator.fullname" .) }}
{{- else -}}
{{ required "serviceAccount.name is needed with serviceAccount.create=false: name the service account that you made" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "imm-operator.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "imm-operator.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "imm-operator.lease" -}}
{{ .Values.settings.leaseName | default (include "imm-operator.fullname" .) }}
{{- end -}}

{{- define "imm-operator.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{/* A value as the text of a variable: toString would write 86400000 as 8.64e+07. */}}
{{- define "imm-operator.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else -}}{{ toJson . }}{{- end -}}
{{- end -}}

{{/* The address given to Image Search: the one that is set, else the ingress's. */}}
{{- define "imm-operator.callbackUrl" -}}
{{- $ingress := .Values.callbacks.ingress -}}
{{- if not .Values.callbacks.enabled -}}
{{- if .Values.settings.callbackUrl -}}
{{- fail "settings.callbackUrl is set, and nothing would listen there: set callbacks.enabled=true as well" -}}
{{- end -}}
{{- else if .Values.settings.callbackUrl -}}
{{ .Values.settings.callbackUrl }}
{{- else if and $ingress.enabled $ingress.host -}}
{{ printf "%s://%s%s" (ternary "https" "http" (ne $ingress.tlsSecret "")) $ingress.host $ingress.path | trimSuffix "/" }}
{{- else -}}
{{- fail "callbacks.enabled=true needs the address that Image Search is to call: set settings.callbackUrl, or callbacks.ingress.enabled and callbacks.ingress.host" -}}
{{- end -}}
{{- end -}}
