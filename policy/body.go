package policy

import (
	"bytes"
	"strings"

	"cel.dev/cel-go/common/types/ref"

	"github.com/hookseal/hookseal/internal/jsonpath"
)

// body returns the variable body: a form's fields if that is what the request says it is,
// otherwise the JSON value, of which nothing but the first byte has been looked at.
func (s *scope) body() ref.Val {
	if s.cache.body != nil {
		return s.cache.body
	}
	body, class := s.readBody()
	if class != "" {
		return failed(class)
	}
	s.cache.body = body
	return body
}

func (s *scope) readBody() (ref.Val, Class) {
	for _, field := range s.Header["Content-Encoding"] {
		for coding := range strings.SplitSeq(field, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				return nil, EncodedBody
			}
		}
	}
	contentType := s.Header["Content-Type"]
	if len(contentType) > 1 {
		return nil, AmbiguousKey // the app may follow the other one
	}
	if len(contentType) == 1 {
		media, _, _ := strings.Cut(contentType[0], ";")
		if strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
			// This header isn't signed: whoever replays a JSON body as a form must not make its
			// members disappear. A form's first name doesn't begin like that when it is encoded.
			if text := bytes.TrimLeft(s.Body, " \t\r\n\ufeff"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
				return nil, InvalidForm
			}
			s.spend(len(s.Body))
			s.cache.form = form{scope: s, raw: string(s.Body)}
			return &s.cache.form, ""
		}
	}
	value, err := jsonpath.Parse(s.Body)
	if err != nil {
		return nil, jsonClass(err)
	}
	s.survey(s.Body)
	if value.Kind() == jsonpath.Object {
		s.cache.root = object{scope: s, value: value}
		return &s.cache.root, ""
	}
	return s.read(value)
}
