# The gateway alone: no compiler, no package index, no PostgreSQL. Settings and keys are mounted, never baked in.
#
#   docker build -t pgcurfew .
#   docker run -v /etc/pgcurfew:/etc/pgcurfew:ro -v pgcurfew:/var/lib/pgcurfew -p 6432:6432 -p 6480:6480 pgcurfew

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/pgcurfew
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY gateway gateway
COPY protocol protocol
COPY masking masking
COPY config config
RUN /opt/pgcurfew/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 pgcurfew \
 && useradd --system --uid 10001 --gid pgcurfew --home-dir /var/lib/pgcurfew --create-home --shell /usr/sbin/nologin pgcurfew
COPY --from=build /opt/pgcurfew /opt/pgcurfew
ENV PATH=/opt/pgcurfew/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PGCURFEW__GATEWAY__LISTEN_HOST=0.0.0.0 \
    PGCURFEW__API__LISTEN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/pgcurfew
VOLUME ["/var/lib/pgcurfew"]
# PostgreSQL clients; the HTTPS API. Metrics and health stay on the loopback address unless the settings say otherwise.
EXPOSE 6432 6480
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6490/healthz', timeout=2)"]
ENTRYPOINT ["pgcurfew"]
CMD ["serve", "--config", "/etc/pgcurfew/pgcurfew.toml"]
