// In the workspace a requirement of cloakroom's own modules means the folder
// next door, whatever version it names. Go would look for that version all the
// same, which is not there before its release; it ignores one that is excluded by
// any module of the workspace. This module has no packages and no other purpose.
module github.com/cloakroom/cloakroom/internal/workspace

go 1.26

exclude (
	github.com/cloakroom/cloakroom v0.1.0
	github.com/cloakroom/cloakroom/cmd v0.1.0
	github.com/cloakroom/cloakroom/examples v0.1.0
	github.com/cloakroom/cloakroom/store/cachestore v0.1.0
	github.com/cloakroom/cloakroom/store/dynamostore v0.1.0
	github.com/cloakroom/cloakroom/store/memcachedstore v0.1.0
	github.com/cloakroom/cloakroom/store/mongostore v0.1.0
	github.com/cloakroom/cloakroom/store/redisstore v0.1.0
	github.com/cloakroom/cloakroom/store/sqlstore v0.1.0
)
