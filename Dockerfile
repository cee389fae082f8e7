# The wallet with the extra `traces` and without the embedded PostgreSQL, installed from the lock in one stage and copied
# without pip in the next.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /wallet
COPY requirements/production.txt requirements/build.txt requirements/
RUN /wallet/bin/pip install --no-cache-dir --require-hashes -r requirements/production.txt \
    && pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md ./
COPY migrations migrations
COPY wallet_service wallet_service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /wallet/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl \
    && /wallet/bin/pip uninstall --yes pip

FROM python:3.13-slim
COPY --from=build /wallet /wallet
RUN useradd --system --uid 10001 wallet
# By its number, by which an orchestrator can tell that it is not root.
USER 10001
ENV PATH=/wallet/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["wallet-service"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--workers", "2"]
