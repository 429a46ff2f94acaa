{{- /* An app's name in the cluster, from its name in the values: hl7Projector is hl7-projector. */ -}}
{{- define "weft.app" -}}{{ regexReplaceAll "[A-Z]" . "-${0}" | lower }}{{- end }}

{{- define "weft.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "weft.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weft
{{- end }}

{{- /* Takes (dict "root" $ "app" name). */ -}}
{{- define "weft.selector" -}}
app.kubernetes.io/name: weft
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .app }}
{{- end }}

{{- define "weft.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "weft.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* The settings of a container. Takes (dict "root" $ "kafka" the app's user at the brokers). */ -}}
{{- define "weft.env" -}}
{{- $values := .root.Values -}}
- { name: WEFT_KAFKA_BROKERS, value: {{ join "," $values.kafka.brokers | quote }} }
- { name: WEFT_KAFKA_SSL, value: {{ $values.kafka.ssl | quote }} }
{{- if $values.kafka.ca.existingSecret }}
- { name: WEFT_KAFKA_CA_FILE, value: /run/weft/kafka/ca.crt }
{{- end }}
{{- if $values.kafka.saslMechanism }}
- { name: WEFT_KAFKA_SASL_MECHANISM, value: {{ $values.kafka.saslMechanism }} }
- { name: WEFT_KAFKA_SASL_USERNAME, value: {{ .kafka.username | quote }} }
- { name: WEFT_KAFKA_SASL_PASSWORD_FILE, value: /run/weft/kafka/password }
{{- end }}
- { name: WEFT_ORGANISATIONS, value: /run/weft/region/organisations.json }
- { name: WEFT_LOG_LEVEL, value: {{ $values.logLevel }} }
{{- end }}

{{- /* What Kafka is reached with, as files; takes what weft.env does. */ -}}
{{- define "weft.kafkaVolume" -}}
name: kafka
projected:
  defaultMode: 0440
  sources:
    {{- with .root.Values.kafka.ca }}
    {{- if .existingSecret }}
    - secret: { name: {{ .existingSecret }}, items: [{ key: {{ .key }}, path: ca.crt }] }
    {{- end }}
    {{- end }}
    {{- if .root.Values.kafka.saslMechanism }}
    - secret:
        name: {{ required "every app and topics need kafka.existingSecret, with the password of their user at the brokers" .kafka.existingSecret }}
        items: [{ key: {{ .kafka.key }}, path: password }]
    {{- end }}
{{- end }}

{{- /* The settings of what opens both engines; takes what weft.env does. */ -}}
{{- define "weft.regionEnv" -}}
{{- include "weft.env" . }}
- name: WEFT_EVENTSTORE_URL
  valueFrom:
    secretKeyRef: { name: {{ .root.Values.eventStore.existingSecret }}, key: {{ .root.Values.eventStore.key }} }
- { name: WEFT_REGION_SECRET_FILE, value: /run/weft/secrets/region-secret }
- { name: WEFT_RESEARCH_SECRET_FILE, value: /run/weft/secrets/research-secret }
{{- if .root.Values.secrets.integrity.existingSecret }}
- { name: WEFT_INTEGRITY_SECRET_FILE, value: /run/weft/secrets/integrity-secret }
{{- end }}
- { name: WEFT_JWKS_URL, value: {{ .root.Values.tokens.jwksUrl | quote }} }
- { name: WEFT_JWT_ISSUER, value: {{ .root.Values.tokens.issuer | quote }} }
- { name: WEFT_JWT_AUDIENCE, value: {{ .root.Values.tokens.audience | quote }} }
{{- if .root.Values.region.policy }}
- { name: WEFT_POLICY, value: /run/weft/region/policy.json }
{{- end }}
{{- end }}

{{- /* What they are read from, as files. Takes the root. */ -}}
{{- define "weft.regionMounts" -}}
- { name: region, mountPath: /run/weft/region, readOnly: true }
- { name: secrets, mountPath: /run/weft/secrets, readOnly: true }
- { name: kafka, mountPath: /run/weft/kafka, readOnly: true }
{{- if .Values.eventStore.ca.existingSecret }}
- { name: eventstore, mountPath: /run/weft/eventstore, readOnly: true }
{{- end }}
{{- end }}

{{- /* What is sent by HL7 v2, and how it is read. Who opens no listener is told of them without their certificates. Takes (dict "root" $ "app" name). */ -}}
{{- define "weft.hl7v2Env" -}}
{{- if and .root.Values.hl7v2.enabled (has .app (list "hl7Gateway" "hl7Projector" "recordApi" "topics")) }}
- { name: WEFT_HL7V2_LISTENERS, value: /run/weft/region/hl7v2-{{ eq .app "hl7Gateway" | ternary "listeners" "senders" }}.json }
{{- if .root.Values.hl7v2.tables }}
- { name: WEFT_HL7V2_TABLES, value: /run/weft/region/hl7v2-tables.json }
{{- end }}
{{- end }}
{{- end }}

{{- /* The topics' job asks nobody of the nation, and needs the settings to be whole. Takes what weft.hl7v2Env does. */ -}}
{{- define "weft.nationalEnv" -}}
{{- if and .root.Values.national.enabled (has .app (list "nationalGateway" "topics")) }}
- { name: WEFT_NATIONAL, value: /run/weft/region/national.json }
{{- end }}
{{- end }}

{{- /* The secret files of an app's own door, and where they are mounted; empty where it has none. Takes what weft.hl7v2Env does. */ -}}
{{- define "weft.doorSecret" -}}
{{- $values := .root.Values -}}
{{- if and $values.hl7v2.enabled (eq .app "hl7Gateway") }}{{ $values.hl7v2.files.existingSecret }}{{ end -}}
{{- if and $values.national.enabled (has .app (list "nationalGateway" "topics")) }}{{ $values.national.files.existingSecret }}{{ end -}}
{{- end }}

{{- define "weft.doorMount" -}}
{{- if include "weft.doorSecret" . }}
- { name: door, mountPath: /run/weft/{{ eq .app "hl7Gateway" | ternary "hl7v2" "national" }}, readOnly: true }
{{- end }}
{{- end }}

{{- define "weft.doorVolume" -}}
{{- with include "weft.doorSecret" . }}
- name: door
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{- /* The same, as volumes; takes what weft.env does. */ -}}
{{- define "weft.regionVolumes" -}}
- name: region
  configMap: { name: {{ .root.Release.Name }}-region }
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- with .root.Values.secrets }}
      - secret:
          name: {{ .existingSecret }}
          items:
            - { key: {{ .regionKey }}, path: region-secret }
            - { key: {{ .researchKey }}, path: research-secret }
      {{- with .integrity }}
      {{- if .existingSecret }}
      - secret: { name: {{ .existingSecret }}, items: [{ key: {{ .key }}, path: integrity-secret }] }
      {{- end }}
      {{- end }}
      {{- end }}
- {{- include "weft.kafkaVolume" . | nindent 2 }}
{{- with .root.Values.eventStore.ca }}
{{- if .existingSecret }}
- name: eventstore
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items: [{ key: {{ .key }}, path: ca.crt }]
{{- end }}
{{- end }}
{{- end }}

{{- /* Another one whenever a secret that an app mounts is another one. Takes (dict "root" $ "app" name "kafka" the app's user). */ -}}
{{- define "weft.secretsChecksum" -}}
{{- $values := .root.Values -}}
{{- $data := list -}}
{{- range $name := list $values.secrets.existingSecret $values.secrets.integrity.existingSecret $values.eventStore.existingSecret $values.eventStore.ca.existingSecret $values.kafka.ca.existingSecret .kafka.existingSecret (include "weft.doorSecret" .) -}}
{{- if $name -}}
{{- $data = append $data (get (lookup "v1" "Secret" $.root.Release.Namespace $name) "data" | default dict) -}}
{{- end -}}
{{- end -}}
{{- $data | toJson | sha256sum -}}
{{- end }}

{{- /* Where somebody may go, as rules of a NetworkPolicy. Takes a list of destinations: ports, and peers. */ -}}
{{- define "weft.egress" -}}
{{- range . }}
{{- if or .to (not .names) }}
- ports:
    {{- range .ports }}
    - port: {{ . }}
    {{- end }}
  {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The same by the names of hosts, as rules of a CiliumNetworkPolicy. */ -}}
{{- define "weft.egressByName" -}}
{{- range . }}
{{- if .names }}
- toFQDNs:
    {{- range .names }}
    - { {{ contains "*" . | ternary "matchPattern" "matchName" }}: {{ . | quote }} }
    {{- end }}
  toPorts:
    - ports:
        {{- range .ports }}
        - { port: {{ . | toString | quote }}, protocol: TCP }
        {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The name server's answers are read on their way: they say which addresses the names have. */ -}}
{{- define "weft.egressToNames" -}}
- toEndpoints:
    - matchLabels: { 'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns }
  toPorts:
    - ports: [{ port: '53', protocol: ANY }]
      rules: { dns: [{ matchPattern: '*' }] }
{{- end }}
