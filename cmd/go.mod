module github.com/cloakroom/cloakroom/cmd

go 1.26

require (
	github.com/cloakroom/cloakroom v0.0.0
	github.com/cloakroom/cloakroom/examples v0.0.0
)

require (
	github.com/alecthomas/kong v1.17.0 // indirect
	github.com/rogpeppe/go-internal v1.16.0 // indirect
)

replace (
	github.com/cloakroom/cloakroom => ../
	github.com/cloakroom/cloakroom/examples => ../examples
)
