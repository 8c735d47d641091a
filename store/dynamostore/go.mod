module github.com/cloakroom/cloakroom/store/dynamostore

go 1.26

replace github.com/cloakroom/cloakroom => ../../
