package codec

import "github.com/cloakroom/cloakroom/internal/wire"

// An Ext is a MessagePack extension value whose type this library does not
// know: its code and its bytes.
type Ext = wire.Ext
