package redisproto

// A script runs inside the server, where nothing comes between its steps. It
// is sent by its digest, and in full where the server does not know it yet.
type script struct {
	text   string
	bySHA  []string
	byText []string
}

// The digests are written down, and checked by a test, because a program in
// FIPS mode may not compute SHA-1.
var (
	// find returns the data and the time to live of one moment, or nil.
	find = newScript("5ae68f6201ea78ef91f56d828fc3133c2bd01f1b", `
local data = redis.call('GET', KEYS[1])
if not data then return data end
return {data, redis.call('PTTL', KEYS[1])}`)

	// replace puts ARGV[2] in the place of ARGV[1], for ARGV[3] milliseconds.
	// Bytes are compared, not a digest of them: to digest a record costs the
	// server more than to receive one.
	replace = newScript("9addd93894cdd76f3cff2143ac6db73d7d39b8a2", `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1`)

	// remove deletes ARGV[1].
	remove = newScript("28d0c36c6c4b527b1b3a2054c8910b2b66398949", `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`)

	// touch makes a record live for ARGV[1] more milliseconds at least. PEXPIRE
	// with GT would not tell an absent record from one that lives longer.
	touch = newScript("3f201a3788c8cf5e067ef5cd40cbe0a68683d4fc", `
local ttl = redis.call('PTTL', KEYS[1])
if ttl == -2 then return 0 end
if ttl == -1 then return 1 end
if ARGV[1] == '' then
  redis.call('PERSIST', KEYS[1])
elseif tonumber(ARGV[1]) > ttl then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return 1`)
)

func newScript(sha, text string) *script {
	return &script{text: text, bySHA: []string{"EVALSHA", sha, "1"}, byText: []string{"EVAL", text, "1"}}
}

// Words of the commands that are no scripts.
var (
	wordsSet    = []string{"SET"}
	wordsDel    = []string{"DEL"}
	wordsExists = []string{"EXISTS"}
)

// FindWords are the words of the read-only form of the script that finds a
// record, for a client that caches its answers on its side.
var FindWords = []string{"EVALSHA_RO", find.bySHA[1], "1"}
