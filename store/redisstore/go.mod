module github.com/cloakroom/cloakroom/store/redisstore

go 1.26

replace github.com/cloakroom/cloakroom => ../../
