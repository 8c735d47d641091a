package cloakroom

import "github.com/cloakroom/cloakroom/internal/edge"

// A Transport is where a ticket travels: in the cookie, or in a header that
// programs which are no browsers send on purpose, so that no other site can make
// a browser send it (there is no CSRF by it). Any value but the constants is the
// name of a header of one's own, which holds the ticket and nothing else, in
// requests and in answers.
//
// A new ticket comes back in a header of the answer: of every answer that has
// one the client keeps it in place of the ticket that it has. An empty value
// says that the session has ended. Such answers have Cache-Control: no-store.
// Scripts of another origin can read the header only if the application lists
// it in Access-Control-Expose-Headers.
type Transport string

const (
	// TransportCookie is the cookie that Options.CookieName names.
	TransportCookie Transport = edge.TransportCookie
	// TransportBearer is the header "Authorization: Bearer <ticket>". Credentials
	// of other schemes are left to others. The answer's header is Session-Ticket.
	TransportBearer Transport = edge.TransportBearer
)
