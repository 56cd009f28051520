//! Clients that use a cluster through its HTTP door while faults strike, and write down what they saw.
