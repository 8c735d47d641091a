package flask_test

// Why a scenario ends otherwise with us. docs/flask.md tells users.
const (
	noAccess   = "to have a Session is no access; reading or changing it is"
	noMark     = "there is no session.modified: what was set is saved, what was not set is not"
	staysFlash = "messages of other categories stay for a later page"
	neverWas   = "a message flashed and read in one request leaves nothing to save, and no cookie to delete"
	anything   = "Vary: * says it all"
	mirrored   = "the deletion mirrors Secure and SameSite: browsers may ignore it otherwise"
	refused    = "the configuration is refused at the start rather than in the middle of a request"
	nullError  = "a change of the null session is an error page; the transcript's handler caught the exception"
	noRewrite  = "a read leaves the record as it is, so that it cannot undo what another request saves"
	intKey     = "a name that is no string is kept, but cannot be asked for"
	as08       = "as in Flask-Session from 0.7 on: _permanent alone is an empty session, and survives clear"
	sameSite   = "SESSION_COOKIE_SAMESITE is obeyed, which Flask-Session before 0.4 did not know"
	asSet      = "SESSION_REFRESH_EACH_REQUEST is obeyed, which Flask-Session before 0.7 ignored"
	readsAll   = "all three formats are read whatever is written, as from Flask-Session 0.7 on"
	saysVary   = "Vary: Cookie is said, which Flask-Session 0.3.2 forgets"
	badID      = "an ID that cannot be one never reaches the store"
	semicolon  = "a bare semicolon in the path, as Werkzeug before 2.3 has it, would end the attribute"
	nobodys    = "an unreadable record is a new session under a new ID, and no error page for ever; the record stays"
)

// argued are the scenarios in which we differ.
var argued = map[string]string{
	"flask/touched_object_only":                    noAccess,
	"flask-session/touched_object_only":            noAccess,
	"flask/nested_mutation_marked":                 noMark,
	"flask-session/nested_mutation_marked":         noMark,
	"flask-session/nested_mutation_lost":           noMark,
	"flask/unmodify":                               noMark,
	"flask-session/unmodify":                       noMark,
	"flask/update_empty":                           noMark,
	"flask-session/update_empty":                   noMark,
	"flask/vary_existing":                          anything,
	"flask-session/vary_existing":                  anything,
	"flask/flash_filter_categories":                staysFlash,
	"flask-session/flash_filter_categories":        staysFlash,
	"flask/flash_same_request":                     neverWas,
	"flask-session/flash_same_request":             neverWas,
	"flask/cookie_samesite_bogus":                  refused,
	"flask-session/cookie_samesite_bogus":          refused,
	"flask/lifetime_0":                             refused,
	"flask-session/lifetime_0":                     refused,
	"flask/lifetime_negative":                      refused,
	"flask-session/lifetime_negative":              refused,
	"flask-session/no_secret_key_signer":           refused,
	"flask-session/cookie_secure":                  mirrored,
	"flask-session/cookie_lax":                     mirrored,
	"flask-session/cookie_lax_lower":               mirrored,
	"flask-session/cookie_strict":                  mirrored,
	"flask-session/cookie_none":                    mirrored,
	"flask-session/cookie_name_host":               mirrored,
	"flask-session/cookie_all":                     mirrored,
	"flask-session/cookie_partitioned_secure_none": mirrored,
	"flask/no_secret_key":                          nullError,
	"flask-session/stored_json":                    noRewrite,
	"flask-session/stored_pickle_proto4":           noRewrite,
	"flask-session/stored_pickle_proto0":           noRewrite,
	"flask-session/stored_msgpack_int_key":         intKey,
	"flask-session/stored_garbage":                 nobodys,
	"flask-session/stored_text":                    nobodys,
	"flask-session/stored_truncated_pickle":        nobodys,
	"flask-session/stored_msgpack_list":            nobodys,
}

var arguedOld = map[string]string{
	"flask/nested_mutation_marked":                noMark,
	"flask/unmodify":                              noMark,
	"flask/update_empty":                          noMark,
	"flask/vary_existing":                         anything,
	"flask/flash_filter_categories":               staysFlash,
	"flask/flash_same_request":                    neverWas,
	"flask/cookie_path_odd":                       semicolon,
	"flask/cookie_samesite_bogus":                 refused,
	"flask/lifetime_0":                            refused,
	"flask/lifetime_negative":                     refused,
	"flask/no_secret_key":                         nullError,
	"flask-session/bool_only":                     as08,
	"flask-session/clear_then_set":                as08,
	"flask-session/cookie_all":                    mirrored,
	"flask-session/cookie_lax":                    sameSite,
	"flask-session/cookie_lax_lower":              sameSite,
	"flask-session/cookie_name_host":              mirrored,
	"flask-session/cookie_none":                   sameSite,
	"flask-session/cookie_path_odd":               semicolon,
	"flask-session/cookie_samesite_bogus":         refused,
	"flask-session/cookie_secure":                 mirrored,
	"flask-session/cookie_strict":                 sameSite,
	"flask-session/expired_not_refreshed":         asSet,
	"flask-session/flash_filter_categories":       staysFlash,
	"flask-session/lifetime_0":                    refused,
	"flask-session/lifetime_negative":             refused,
	"flask-session/nested_mutation_lost":          noMark,
	"flask-session/nested_mutation_marked":        noMark,
	"flask-session/no_secret_key_signer":          refused,
	"flask-session/permanent_false_only":          as08,
	"flask-session/permanent_only":                as08,
	"flask-session/pop_last_permanent":            as08,
	"flask-session/set_and_pop_same_request":      as08,
	"flask-session/sid_special_chars":             badID,
	"flask-session/stored_json":                   readsAll,
	"flask-session/stored_msgpack":                readsAll,
	"flask-session/stored_msgpack_int_key":        readsAll,
	"flask-session/stored_msgpack_permanent_only": readsAll,
	"flask-session/vary_existing":                 saysVary,
}
