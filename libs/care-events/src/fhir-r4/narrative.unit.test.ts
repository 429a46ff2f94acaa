import { narrativeProblem } from './narrative.js';

const inside = (html: string): string | null => narrativeProblem(`<div xmlns="http://www.w3.org/1999/xhtml">${html}</div>`);

describe('a narrative', () => {
  it.each([
    'text',
    '<p style="color: red" class=\'a\'>a<br/>b</p>',
    '<table border="1"><tr><td colspan="2">x</td></tr></table>',
    '<a href="https://example.org/?a=1&amp;b=2">x</a><a name="y">y</a>',
    '<img src="data:image/png;base64,QUJD" alt="x" />',
    'a &lt; b &amp; c &#160; &#xa0;',
    'x<!-- a comment, also with <script> in it -->',
    '<b >x</b >',
  ])('may be formatted text: %s', (html) => expect(inside(html)).toBeNull());

  it('may stand in white space and comments', () => expect(narrativeProblem(' <!-- x -->\n<div>x</div>\n')).toBeNull());

  it.each([
    ['an element that browsers run', '<script>x</script>'],
    ['one in capitals', '<SCRIPT>x</SCRIPT>'],
    ['a form', '<form action="x">x</form>'],
    ['an event handler', '<img src="x" onerror="x"/>'],
    ['a script for a link', '<a href="javascript:x">x</a>'],
    ['one with white space before it', '<a href=" \n javascript:x">x</a>'],
    ['one in entities', '<a href="java&#115;cript:x">x</a>'],
    ['one in hexadecimal entities', '<a href="&#x6a;avascript:x">x</a>'],
    ['a page as a link', '<a href="data:text/html,x">x</a>'],
  ])('must not carry active content: %s', (_, html) => expect(inside(html)).toBe('must not carry active content (txt-1)'));

  it.each([
    ['an unknown element', '<input value="x"/>', 'elements'],
    ['an element in capitals', '<P>x</P>', 'elements'],
    ['an unknown attribute', '<p idref="x">x</p>', 'attributes'],
    ['an attribute twice', '<p id="x" id="y">x</p>', 'attributes'],
    ['an entity of HTML', 'a&nbsp;b', 'entities'],
    ['an entity of HTML in an attribute', '<p title="&reg;">x</p>', 'entities'],
    ['a bare ampersand', 'a & b', 'entities'],
  ])('must have nothing but formatted text: %s', (_, html, what) =>
    expect(inside(html)).toContain(`must have no ${what} but those of`),
  );

  it.each([
    ['no element at all', 'x'],
    ['an element that is not closed', '<div><p>x</div>'],
    ['elements that cross', '<div><b><i>x</b></i></div>'],
    ['a closing tag alone', '</div>'],
    ['another root', '<p>x</p>'],
    ['two roots', '<div>x</div><div>y</div>'],
    ['text behind it', '<div>x</div>y'],
    ['an end that is missing', '<div>x'],
    ['an attribute without quotes', '<div><p id=x>x</p></div>'],
    ['a comment that does not end', '<div>x<!-- </div>'],
    ['a doctype', '<!DOCTYPE html><div>x</div>'],
    ['a less-than sign', '<div>a < b</div>'],
  ])('must be one well-formed div: %s', (_, text) =>
    expect(narrativeProblem(text)).toBe('must be one div of well-formed XHTML (txt-1)'),
  );

  it.each(['', ' \n ', '<p> </p>', '<!-- x -->', '<br/>'])('must not be blank: %j', (html) =>
    expect(inside(html)).toBe('must not be blank (txt-2)'),
  );

  it('is read in one go, however it is made', () => {
    for (const text of [
      `<div href=${' '.repeat(1e6)}`,
      `<div${' a="'.repeat(2e5)}`,
      '<div>'.repeat(2e5),
      '<!--'.repeat(2e5),
      '&'.repeat(1e6),
    ]) {
      expect(narrativeProblem(text)).not.toBeNull();
    }
  });
});
