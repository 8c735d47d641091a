module github.com/cloakroom/cloakroom/store/cachestore

go 1.26


require (
	github.com/cloakroom/cloakroom v0.1.0
	github.com/maypok86/otter/v2 v2.4.0
)
