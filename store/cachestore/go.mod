module github.com/cloakroom/cloakroom/store/cachestore

go 1.26

replace github.com/cloakroom/cloakroom => ../../
