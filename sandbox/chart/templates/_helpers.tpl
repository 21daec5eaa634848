{{/* The values with the settings of the chosen version merged over them, as YAML. */}}
{{- define "orders.settings" -}}
{{- $path := printf "versions/%s.yaml" .Values.version -}}
{{- $settings := .Files.Get $path -}}
{{- if not $settings -}}
{{- fail (printf "orders has no version %s: the chart has no file %s" .Values.version $path) -}}
{{- end -}}
{{- mustMergeOverwrite (deepCopy (omit .Values "global")) ($settings | fromYaml) | toYaml -}}
{{- end -}}

{{- define "orders.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "orders.labels" -}}
{{ include "orders.selector" . }}
app.kubernetes.io/version: {{ .Values.version | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* What both kinds of pods have in common. Wants a dict of root, settings and component. */}}
{{- define "orders.podMetadata" -}}
labels:
  {{- include "orders.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
annotations:
  checksum/config: {{ include "orders.config" .root | sha256sum }}
{{- end -}}

{{/* Wants a dict of root and settings. */}}
{{- define "orders.pod" -}}
serviceAccountName: {{ .root.Release.Name }}-flink
securityContext:
  runAsNonRoot: true
  runAsUser: 9999
  runAsGroup: 9999
  fsGroup: 9999
{{- with .settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Wants a dict of root, settings and containers. */}}
{{- define "orders.furtherContainers" -}}
{{- range .containers }}
- name: {{ .name }}
  image: "{{ $.settings.image.repository }}:{{ $.root.Values.version }}"
  imagePullPolicy: {{ $.settings.image.pullPolicy }}
  command:
    {{- toYaml .command | nindent 4 }}
  volumeMounts:
    - name: data
      mountPath: {{ $.settings.data.hostPath }}
{{- end }}
{{- end -}}

{{/* Wants a dict of root and settings. */}}
{{- define "orders.environment" -}}
env:
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  - name: MALLOC_ARENA_MAX
    value: "2"
  - name: ORDERS_DATA
    value: {{ .settings.data.hostPath }}
  {{- range $name, $value := .settings.env }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
envFrom:
  - secretRef:
      name: {{ .root.Release.Name }}-credentials
{{- end -}}

{{- define "orders.mounts" -}}
- name: config
  mountPath: /opt/flink/conf
- name: data
  mountPath: {{ .settings.data.hostPath }}
{{- if .settings.scratch }}
- name: scratch
  mountPath: /scratch
{{- end }}
{{- end -}}

{{- define "orders.volumes" -}}
- name: config
  configMap:
    name: {{ .root.Release.Name }}-config
- name: data
  hostPath:
    path: {{ .settings.data.hostPath }}
    type: Directory
{{- if .settings.scratch }}
- name: scratch
  emptyDir: {}
{{- end }}
{{- end -}}
