//! The words of the domain: ids, time, secrets, states, sub codes and the error catalogue.
