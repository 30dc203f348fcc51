/// The version of all the programs: they are released together.
package let version = "0.1.0"
