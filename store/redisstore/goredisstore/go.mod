module github.com/cloakroom/cloakroom/store/redisstore/goredisstore

go 1.26

replace github.com/cloakroom/cloakroom => ../../../
