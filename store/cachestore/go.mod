module github.com/cloakroom/cloakroom/store/cachestore

go 1.26

replace github.com/cloakroom/cloakroom => ../../

require (
	github.com/cloakroom/cloakroom v0.0.0-00010101000000-000000000000
	github.com/maypok86/otter/v2 v2.4.0
)
