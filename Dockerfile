# syntax=docker/dockerfile:1

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /redline ./cmd/redline

# Nothing but the program and the certificates of those it may have to trust.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /redline /redline
USER 65532:65532
ENV REDLINE_ADDR=0.0.0.0:8080 REDLINE_LOG_FORMAT=json
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/redline", "health"]
ENTRYPOINT ["/redline"]
CMD ["serve"]
