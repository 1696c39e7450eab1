/** What Jinja2 raises: the template is not one, or it does something that its values do not support. */
export class TemplateError extends Error {}
