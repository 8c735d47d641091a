package itsdangerous

import "fmt"

// A Serializer turns any value into signed text and back. Make one with
// [NewURLSafeSerializer] or [NewSerializer]. It never changes and may be used
// concurrently.
type Serializer struct {
	signer *Signer
	packer *packer
	codec  Codec
}

// NewSerializer returns a Serializer whose text is the codec's output followed
// by the signature: Python's Serializer.
func NewSerializer(secrets Secrets, o Options) (*Serializer, error) {
	s, err := newSerializer(secrets, &o, false)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new serializer: %w", err)
	}
	return s, nil
}

// NewURLSafeSerializer returns a Serializer whose text consists of letters,
// digits, "-", "_" and the separator: Python's URLSafeSerializer.
func NewURLSafeSerializer(secrets Secrets, o Options) (*Serializer, error) {
	s, err := newSerializer(secrets, &o, true)
	if err != nil {
		return nil, fmt.Errorf("itsdangerous: new URL-safe serializer: %w", err)
	}
	return s, nil
}

func newSerializer(secrets Secrets, o *Options, urlSafe bool) (*Serializer, error) {
	signer, err := newSignerSalt(secrets, o, "itsdangerous")
	if err != nil {
		return nil, err
	}
	codec := o.Codec
	if codec == nil {
		codec = jsonCodec{spaced: !urlSafe}
	}
	return &Serializer{signer, newPacker(o, urlSafe), codec}, nil
}

// Dumps returns v as signed text. The error is that of the codec.
func (s *Serializer) Dumps(v any) (string, error) {
	data, err := s.codec.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("itsdangerous: dumps: %w", err)
	}
	return s.DumpsRaw(data), nil
}

// DumpsRaw is Dumps for a payload that is already encoded.
func (s *Serializer) DumpsRaw(payload []byte) string {
	return s.signer.Sign(s.packer.pack(payload))
}

// Loads reads signed text into v. The error matches [ErrBadSignature] or
// [ErrBadPayload]; in the latter case *v may be partly set.
func (s *Serializer) Loads(signed string, v any) error {
	text, data, err := s.loads(signed)
	if err != nil {
		return err
	}
	if err := s.codec.Unmarshal(data, v); err != nil {
		return badPayload(codecError(err), text)
	}
	return nil
}

// LoadsRaw is Loads for a payload that the caller decodes.
func (s *Serializer) LoadsRaw(signed string) ([]byte, error) {
	_, data, err := s.loads(signed)
	return data, err
}

func (s *Serializer) loads(signed string) (text string, data []byte, err error) {
	text, err = s.signer.Unsign(signed)
	if err != nil {
		return "", nil, err
	}
	data, bad := s.packer.unpack(text)
	if bad != nil {
		return "", nil, badPayload(bad, text)
	}
	return text, data, nil
}

// codecError keeps what the codec said out of the message, which must not
// quote the payload.
func codecError(err error) *Error {
	return &Error{why: "the codec refused the payload", kind: ErrBadPayload, cause: err}
}

// badPayload completes an error about what was signed well.
func badPayload(e *Error, text string) *Error {
	e.op, e.payload, e.verified = "loads", &text, true
	return e
}
