package taggedjson

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/cloakroom/cloakroom/internal/wire"
)

var errBase64 = fmt.Errorf("%w: bytes are not in base64", wire.ErrMalformed)

// parseBase64 reads base64 as Python does: characters of other alphabets are
// passed over, and the text ends where padding completes a group of four.
// Missing padding is an error.
func parseBase64(text []byte) ([]byte, error) {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err == nil {
		return out[:n], nil
	}
	clean := make([]byte, 0, len(text)+2)
	pads := 0
	for _, c := range text {
		switch {
		case c >= 0x80:
			return nil, errBase64
		case c == '=':
			pads++
			if used := len(clean) % 4; used >= 2 && used+pads >= 4 {
				return rawBase64(clean)
			}
		case strings.IndexByte(alphabet, c) >= 0:
			clean, pads = append(clean, c), 0
		}
	}
	if len(clean)%4 != 0 {
		return nil, errBase64
	}
	return rawBase64(clean)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func rawBase64(clean []byte) ([]byte, error) {
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	if _, err := base64.RawStdEncoding.Decode(out, clean); err != nil {
		return nil, errBase64
	}
	return out, nil
}
