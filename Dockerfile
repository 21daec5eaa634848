# The bot's image: the program, helm, and the certificates of the public authorities, which Slack's addresses need.
# It holds no charts. docs/quick-start.md says how they get into the pod.

FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /lockkeeper
COPY . .
RUN cargo build --release --locked --package lockkeeper --bin lockkeeper

# Helm is built from its source, which the Go module proxy serves. The version is the one that the tests use.
FROM docker.io/library/golang:1.26-bookworm AS helm
ARG HELM_VERSION=v3.22.0
RUN CGO_ENABLED=0 go install -trimpath \
    -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=${HELM_VERSION}" \
    helm.sh/helm/v3/cmd/helm@${HELM_VERSION}

FROM docker.io/library/debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /lockkeeper/target/release/lockkeeper /usr/local/bin/lockkeeper
COPY --from=helm /go/bin/helm /usr/local/bin/helm
USER 65532:65532
ENTRYPOINT ["lockkeeper"]
CMD ["--help"]
