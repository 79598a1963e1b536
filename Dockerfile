# Both bases hold the same Python, 3.11 on Debian 12. The final stage runs nothing while it is built, so that a base
# without a shell (distroless Python) can be put in: --build-arg BASE=…. docs/guides/image.md has the rest.
ARG BUILDER=python:3.11-bookworm
ARG BASE=python:3.11-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=""

FROM ${BUILDER} AS builder
WORKDIR /source
COPY deploy/image/ deploy/image/
# pip's configuration, where packages come from an index of one's own: --secret id=pip.conf,src=…
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf python3 deploy/image/install.py tools
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf python3 deploy/image/install.py dependencies
COPY pyproject.toml README.md LICENSE ./
COPY controller/ controller/
ARG VERSION
RUN python3 deploy/image/install.py program --version "${VERSION}"
RUN python3 deploy/image/install.py bill

FROM ${BASE}
ARG VERSION
ARG REVISION
ARG CREATED
LABEL org.opencontainers.image.title="imm-operator" \
      org.opencontainers.image.description="Declarative media indexing on Alibaba Cloud: IMM datasets and bindings as Kubernetes objects" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=builder /app/dependencies /app/dependencies
COPY --from=builder /app/program /app/program
ENV PYTHONPATH=/app/program:/app/dependencies \
    PYTHONSAFEPATH=1 \
    PYTHONNOUSERSITE=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/nonexistent \
    IMM_OPERATOR_REVISION=${REVISION}
WORKDIR /app
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["python3", "-m", "controller.cli"]
CMD ["run"]
