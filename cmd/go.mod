module github.com/cloakroom/cloakroom/cmd

go 1.26

require (
	github.com/alecthomas/kong v1.17.0
	github.com/cloakroom/cloakroom v0.0.0
	github.com/cloakroom/cloakroom/examples v0.0.0
	github.com/pelletier/go-toml/v2 v2.4.3
	github.com/rogpeppe/go-internal v1.16.0
)

require (
	golang.org/x/sys v0.26.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
)

replace (
	github.com/cloakroom/cloakroom => ../
	github.com/cloakroom/cloakroom/examples => ../examples
)
