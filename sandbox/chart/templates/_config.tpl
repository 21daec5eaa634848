{{/* Flink's config.yaml. */}}
{{- define "orders.config" -}}
{{- $settings := include "orders.settings" . | fromYaml -}}
{{- $data := $settings.data.hostPath -}}
# The JVM: what Flink needs on Java 17, then quick to start and small.
env.java.opts.all: >-
  --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED
  --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED
  --add-opens=java.base/java.io=ALL-UNNAMED
  --add-opens=java.base/java.lang=ALL-UNNAMED
  --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
  --add-opens=java.base/java.net=ALL-UNNAMED
  --add-opens=java.base/java.nio=ALL-UNNAMED
  --add-opens=java.base/java.text=ALL-UNNAMED
  --add-opens=java.base/java.time=ALL-UNNAMED
  --add-opens=java.base/java.util=ALL-UNNAMED
  --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
  --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
  --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
  -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto

jobmanager.bind-host: 0.0.0.0
jobmanager.rpc.port: 6123
jobmanager.memory.process.size: {{ $settings.jobManager.memory }}
jobmanager.memory.jvm-metaspace.size: 160m
jobmanager.memory.jvm-overhead.min: 64m
jobmanager.memory.jvm-overhead.max: 64m
jobmanager.memory.off-heap.size: 64m
blob.server.port: 6124
rest.bind-address: 0.0.0.0
rest.port: 8081

taskmanager.bind-host: 0.0.0.0
taskmanager.rpc.port: 6122
taskmanager.numberOfTaskSlots: {{ $settings.taskManager.slots }}
taskmanager.memory.process.size: {{ $settings.taskManager.memory }}
taskmanager.memory.framework.heap.size: 64m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.managed.size: 0m
taskmanager.memory.network.min: 32m
taskmanager.memory.network.max: 32m
taskmanager.memory.jvm-metaspace.size: 128m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m

kubernetes.namespace: {{ .Release.Namespace }}
kubernetes.cluster-id: {{ .Release.Name }}
high-availability.type: kubernetes
high-availability.cluster-id: {{ .Release.Name }}
high-availability.storageDir: file://{{ $data }}/ha

parallelism.default: {{ $settings.parallelism }}
pipeline.generic-types: false
state.backend.type: hashmap
execution.checkpointing.mode: EXACTLY_ONCE
execution.checkpointing.interval: {{ $settings.checkpointInterval }}
execution.checkpointing.timeout: 30 s
execution.checkpointing.tolerable-failed-checkpoints: 1000
execution.checkpointing.num-retained: 3
execution.checkpointing.externalized-checkpoint-retention: RETAIN_ON_CANCELLATION
execution.checkpointing.dir: file://{{ $data }}/checkpoints
execution.checkpointing.savepoint-dir: file://{{ $data }}/savepoints
restart-strategy.type: exponential-delay
restart-strategy.exponential-delay.initial-backoff: 500 ms
restart-strategy.exponential-delay.max-backoff: 5 s
{{- if $settings.scratch }}
io.tmp.dirs: /scratch
{{- end }}
{{- range $key, $value := $settings.flink }}
{{ $key }}: {{ $value | toJson }}
{{- end }}
{{- end -}}
