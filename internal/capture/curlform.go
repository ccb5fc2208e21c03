package capture

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"net/textproto"
	"path/filepath"
	"strings"
)

// formPart is one part of the form that curl's -F makes.
type formPart struct {
	name, filename, kind string
	content              []byte
}

// quotedName escapes what stands in quotes in a part's header.
var quotedName = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// part reads the argument of -F: name=content, name=@file to send as a file, name=<file to send as a text; each with
// ;type=… and ;filename=… behind it.
func (c *curl) part(argument string, literal bool) (p formPart, err error) {
	name, value, ok := strings.Cut(argument, "=")
	if !ok {
		return p, errors.New(`option "form" of curl is written name=content`)
	}
	p.name = name
	if literal {
		p.content = []byte(value)
		return p, nil
	}
	value, attributes, _ := strings.Cut(value, ";")
	for attribute := range strings.SplitSeq(attributes, ";") {
		switch key, text, _ := strings.Cut(strings.TrimSpace(attribute), "="); key {
		case "type":
			p.kind = text
		case "filename":
			p.filename = strings.Trim(text, `"`)
		}
	}
	switch {
	case strings.HasPrefix(value, "@"):
		p.filename = cmp.Or(p.filename, filepath.Base(value[1:]))
		p.kind = cmp.Or(p.kind, mime.TypeByExtension(filepath.Ext(p.filename)), "application/octet-stream")
		p.content, err = c.readFile(value[1:])
	case strings.HasPrefix(value, "<"):
		p.content, err = c.readFile(value[1:])
	default:
		p.content = []byte(value)
	}
	return p, err
}

// multipart writes the form. What stands between its parts is known only if the header says it: curl makes up
// another each time.
func (c *curl) multipart() error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_, parameters, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if boundary := parameters["boundary"]; err == nil && boundary != "" {
		if err := w.SetBoundary(boundary); err != nil {
			return errors.New("the boundary that Content-Type names is none")
		}
	} else {
		c.Header.Del("Content-Type")
		if err := c.add("Content-Type", w.FormDataContentType()); err != nil {
			return err
		}
		c.Notes = append(c.Notes, "curl makes up what stands between the parts of a form, so that the body is not the one that was sent: no signature over it can match")
	}
	for _, p := range c.form {
		header := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name="%s"`, quotedName.Replace(p.name))
		if p.filename != "" {
			disposition += fmt.Sprintf(`; filename="%s"`, quotedName.Replace(p.filename))
		}
		header.Set("Content-Disposition", disposition)
		if p.kind != "" {
			header.Set("Content-Type", p.kind)
		}
		part, err := w.CreatePart(header)
		if err != nil {
			return err
		}
		_, _ = part.Write(p.content)
	}
	_ = w.Close()
	c.Body = body.Bytes()
	return nil
}
