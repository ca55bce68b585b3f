# Quarry as one static binary in an empty image, run by a user without rights.
#
#     docker build -t quarry .
#     docker run -p 127.0.0.1:6379:6379 quarry --requirepass secret

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w" -o /out/quarry .
# A container is reached by its own address, so it listens on all it has. Clients
# come from outside of it: with protected-mode, which stays on, they are refused
# until there is a password, or the mode is turned off on purpose.
RUN mkdir -p /out/etc /out/data && printf 'bind * -::*\nport 6379\ndir /data\n' >/out/etc/quarry.conf

FROM scratch
COPY --from=build /out/quarry /quarry
COPY --from=build /out/etc/quarry.conf /etc/quarry.conf
COPY --from=build --chown=65532:65532 /out/data /data
COPY LICENSE /LICENSE
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 6379
ENTRYPOINT ["/quarry", "/etc/quarry.conf"]
