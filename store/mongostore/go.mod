module github.com/cloakroom/cloakroom/store/mongostore

go 1.26

replace github.com/cloakroom/cloakroom => ../../
