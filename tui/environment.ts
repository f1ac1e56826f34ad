/** Imported first by every terminal program: what the libraries read while they load. */
// ink draws nothing when CI is set, and React's development build costs a third more per key.
delete process.env.CI;
process.env.NODE_ENV = 'production';
