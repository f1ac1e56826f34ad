// Stands in for a module that the programs do not need.
export default {};
