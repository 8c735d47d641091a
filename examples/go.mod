module github.com/cloakroom/cloakroom/examples

go 1.26

require (
	github.com/cloakroom/cloakroom v0.1.0
	github.com/coder/websocket v1.8.15
)
