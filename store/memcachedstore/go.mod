module github.com/cloakroom/cloakroom/store/memcachedstore

go 1.26

replace github.com/cloakroom/cloakroom => ../../
