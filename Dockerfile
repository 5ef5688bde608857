# docker build -t monte-carlo-service:latest .
#
# Three stages: the dependencies, the program, and an image that holds the program, the C library and nothing to log in
# with. The dependencies are a layer of their own and not a cache mount, so that a builder that starts empty, as CI's do,
# can take it from a registry (--cache-from), and so that builders without BuildKit work as well.
# The tests (tests/specification/image/run) run these very instructions, so paths in RUN are relative.

# The parts of the program that are optional in Cargo.toml and belong into the image, comma-separated: all of them.
ARG FEATURES=msk-iam

FROM rust:1.95-bookworm AS dependencies
WORKDIR /build
ARG FEATURES
COPY Cargo.toml Cargo.lock ./
COPY bench/coverage/Cargo.toml bench/coverage/
COPY bench/engine/ours/Cargo.toml bench/engine/ours/
COPY bench/ray/Cargo.toml bench/ray/
COPY crates/engine/Cargo.toml crates/engine/
COPY crates/python/Cargo.toml crates/python/
COPY crates/service/Cargo.toml crates/service/
# Empty stand-ins for our crates; then what was made of them is thrown away. (Those in bench and Python's are never built
# here, but the workspace names them.)
RUN mkdir bench/coverage/src bench/engine/ours/src bench/ray/src crates/engine/src crates/python/src crates/service/src \
    && touch crates/engine/src/lib.rs crates/python/src/lib.rs crates/service/src/lib.rs \
    && echo 'fn main() {}' >crates/service/src/main.rs \
    && cp crates/service/src/main.rs bench/coverage/src/ \
    && cp crates/service/src/main.rs bench/engine/ours/src/ \
    && cp crates/service/src/main.rs bench/ray/src/ \
    && cargo build --release --locked --package monte-carlo-service --features "$FEATURES" \
    && cargo clean --release --locked --package monte-carlo-engine --package monte-carlo-service

FROM dependencies AS program
ARG FEATURES
COPY migrations migrations
COPY crates crates
RUN cargo build --release --locked --package monte-carlo-service --features "$FEATURES"
COPY image image
RUN image/assemble target/release/monte-carlo-service root

FROM scratch
# The commit that this is made of: --build-arg REVISION="$(git rev-parse HEAD)".
ARG REVISION=unknown
LABEL org.opencontainers.image.title="monte-carlo-service" \
      org.opencontainers.image.description="Simulates what funded traders' accounts may do next" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=program /build/root /
ENV NODE_ENV=production
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 3002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/monte-carlo-service", "healthcheck"]
ENTRYPOINT ["/monte-carlo-service"]
CMD ["serve"]
