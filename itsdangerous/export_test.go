package itsdangerous

var (
	DeriveKey       = deriveKey
	DecodeBase64    = decodeBase64
	DecodeLenient   = decodeLenient
	FormatTimestamp = formatTimestamp
	ParseTimestamp  = parseTimestamp
)

// Inflate inflates data up to limit.
func Inflate(data []byte, limit int) ([]byte, error) {
	out, err := newPacker(&Options{MaxInflated: limit}, true).inflate(data)
	if err != nil {
		err.op = "inflate"
		return nil, err
	}
	return out, nil
}
