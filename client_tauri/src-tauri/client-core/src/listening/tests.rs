use super::ear::Ear;
use super::*;
use crate::ports::Frames;
use proptest::prelude::*;
use std::f32::consts::TAU;
use std::time::Instant;
use uuid::Uuid;

fn tone(rate: u32, hertz: f32, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|at| 0.5 * (TAU * hertz * at as f32 / rate as f32).sin())
        .collect()
}

fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|one| one * one).sum::<f32>() / samples.len() as f32).sqrt()
}

fn resampled(rate: u32, samples: &[f32], step: usize) -> Vec<f32> {
    let mut resampler = Resampler::new(rate).unwrap();
    let mut out = Vec::new();
    for part in samples.chunks(step) {
        out.extend(resampler.push(part).unwrap());
    }
    out.extend(resampler.finish().unwrap());
    out
}

/// How far off a resampled tone of 1 kHz is from one that is late by `delay` samples.
fn difference(out: &[f32], delay: f32) -> f32 {
    let expected = |at: usize| 0.5 * (TAU * 1000.0 * (at as f32 - delay) / RATE as f32).sin();
    let inner = 400..2000;
    let error: Vec<f32> = inner.map(|at| out[at] - expected(at)).collect();
    rms(&error)
}

#[test]
fn speech_survives_resampling_in_its_place_and_what_would_fold_back_is_gone() {
    for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000] {
        let out = resampled(rate, &tone(rate, 1000.0, rate as usize), 441);
        assert_eq!(out.len(), RATE as usize, "{rate}");
        // A constant part of a sample remains where rates do not divide: no more than half of one.
        let best = (-50..=50).map(|hundredth| difference(&out, hundredth as f32 / 100.0));
        let error = best.fold(f32::INFINITY, f32::min);
        assert!(error < 0.002, "{rate}: {error}");
        if rate >= 44_100 {
            let out = resampled(rate, &tone(rate, 11_000.0, rate as usize / 2), 480);
            assert!(
                rms(&out[400..out.len() - 400]) < 0.0005,
                "{rate} folds back"
            );
        }
    }
}

#[test]
fn sixteen_kilohertz_pass_through_untouched_and_nonsense_rates_are_refused() {
    let samples = tone(RATE, 440.0, 5000);
    assert_eq!(resampled(RATE, &samples, 77), samples);
    for rate in [0, 7_999, 192_001] {
        assert_eq!(Resampler::new(rate).err(), Some(ResamplerError::Rate(rate)));
    }
}

#[test]
fn floats_become_the_nearest_integer_and_stay_in_range() {
    let cases = [
        (0.0, 0),
        (0.4 / 32_768.0, 0),
        (0.6 / 32_768.0, 1),
        (-0.6 / 32_768.0, -1),
        (1.0, i16::MAX),
        (-1.0, i16::MIN),
        (7.0, i16::MAX),
        (f32::NEG_INFINITY, i16::MIN),
        (f32::NAN, 0),
    ];
    for (sample, expected) in cases {
        assert_eq!(pcm16(sample), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Any rate, cut up in any way: not a sample too many or too few.
    #[test]
    fn the_length_is_exact(rate in 8_000u32..=192_000, samples in 0usize..30_000, step in 1usize..5_000) {
        let out = resampled(rate, &vec![0.1; samples], step);
        let exact = samples as f64 * f64::from(RATE) / f64::from(rate);
        prop_assert!((out.len() as f64 - exact).abs() <= 0.5001);
    }
}

pub(super) fn take(number: u128) -> TakeId {
    Uuid::from_u128(number).to_string().parse().unwrap()
}

fn at_16k(samples: Vec<f32>) -> Frames {
    Frames {
        samples,
        rate: RATE,
    }
}

/// A ramp that says which sample it is.
pub(super) fn counted(from: usize, count: usize) -> Frames {
    at_16k(
        (from..from + count)
            .map(|at| at as f32 / 32_768.0)
            .collect(),
    )
}

fn sound(heard: &[Heard], of: TakeId) -> Vec<i16> {
    let mut all = Vec::new();
    for one in heard {
        if let Heard::Sound {
            take,
            first_sample,
            pcm,
        } = one
            && *take == of
        {
            assert_eq!(*first_sample, all.len() as u64);
            all.extend(pcm);
        }
    }
    all
}

#[test]
fn a_take_begins_with_the_pre_roll_and_ends_with_what_the_device_still_held() {
    let now = Instant::now();
    let mut ear = Ear::new(Duration::from_millis(100));
    ear.frames(&counted(0, 5000)).unwrap();
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(ear.frames(&counted(5000, 4000)).unwrap());
    heard.extend(ear.stop(take(1), true, now).unwrap());
    heard.extend(ear.frames(&counted(9000, 1000)).unwrap());
    assert!(!heard.iter().any(|one| matches!(one, Heard::Drained { .. })));
    heard.extend(ear.frames(&counted(10_000, 1000)).unwrap());
    let expected: Vec<i16> = (3400..11_000).collect();
    assert_eq!(sound(&heard, take(1)), expected);
    let samples = 7600;
    assert_eq!(
        heard.last(),
        Some(&Heard::Drained {
            take: take(1),
            samples
        })
    );
    let firsts = heard.iter().filter(|one| **one == Heard::First(take(1)));
    assert_eq!(firsts.count(), 1);
}

#[test]
fn what_is_said_while_the_keys_are_still_waited_for_belongs_to_the_take() {
    let id = take(1);
    let mut ear = Ear::new(Duration::from_millis(50));
    ear.frames(&counted(0, 1600)).unwrap();
    ear.prepare();
    // 150 ms until it is clear that the keys were meant: three times the pre-roll.
    ear.frames(&counted(1600, 2400)).unwrap();
    let mut heard = ear.begin(id).unwrap();
    heard.extend(ear.stop(id, false, Instant::now()).unwrap());
    let said = sound(&heard, id);
    assert_eq!((said.first(), said.len()), (Some(&800), 800 + 2400));
    // A shortcut of another program: nothing of it is kept.
    ear.frames(&counted(0, 1600)).unwrap();
    ear.prepare();
    ear.frames(&counted(1600, 3200)).unwrap();
    ear.unprepare();
    let mut heard = ear.begin(id).unwrap();
    heard.extend(ear.stop(id, false, Instant::now()).unwrap());
    assert_eq!(sound(&heard, id).len(), 800);
}

#[test]
fn a_take_that_begins_at_once_loses_nothing_and_shares_nothing() {
    let now = Instant::now();
    let mut ear = Ear::new(Duration::from_millis(400));
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(ear.frames(&counted(0, 3000)).unwrap());
    heard.extend(ear.stop(take(1), true, now).unwrap());
    heard.extend(ear.begin(take(2)).unwrap());
    heard.extend(ear.frames(&counted(3000, 3000)).unwrap());
    heard.extend(ear.stop(take(2), false, now).unwrap());
    assert_eq!(sound(&heard, take(1)), (0..3000).collect::<Vec<i16>>());
    assert_eq!(sound(&heard, take(2)), (3000..6000).collect::<Vec<i16>>());
}

#[test]
fn packets_are_100_ms_and_levels_come_20_times_a_second() {
    let mut ear = Ear::new(Duration::ZERO);
    let mut heard = ear.begin(take(1)).unwrap();
    let loud = vec![-0.5; 777];
    for _ in 0..40 {
        heard.extend(ear.frames(&at_16k(loud.clone())).unwrap());
    }
    for one in &heard {
        match one {
            Heard::Sound { pcm, .. } => assert_eq!(pcm.len(), PACKET_SAMPLES),
            Heard::Level { rms, peak } => assert_eq!((*rms, *peak), (0.5, 0.5)),
            _ => {}
        }
    }
    let levels = heard
        .iter()
        .filter(|one| matches!(one, Heard::Level { .. }));
    assert_eq!(levels.count(), 777 * 40 / 800);
}

/// So much of nothing but zeros, in tenths of a second.
fn nothing(ear: &mut Ear, tenths: usize) -> Vec<Heard> {
    (0..tenths)
        .flat_map(|_| ear.frames(&at_16k(vec![0.0; 1600])).unwrap())
        .collect()
}

/// A tenth of a second with one sample that is not zero.
fn barely(ear: &mut Ear) -> Vec<Heard> {
    let mut quiet = vec![0.0; 1600];
    quiet[700] = 0.000_03;
    ear.frames(&at_16k(quiet)).unwrap()
}

/// What was said of the microphone.
fn signs(heard: &[Heard]) -> Vec<Heard> {
    let about = |one: &&Heard| matches!(one, Heard::Silence(_) | Heard::SoundAfterAll(_));
    heard.iter().filter(about).cloned().collect()
}

#[test]
fn a_take_that_begins_with_seconds_of_zeros_says_so_once_and_a_quiet_one_does_not() {
    let mut ear = Ear::new(Duration::ZERO);
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(nothing(&mut ear, 29));
    assert_eq!(signs(&heard), [], "somebody who has not begun to speak");
    heard.extend(nothing(&mut ear, 60));
    assert_eq!(signs(&heard), [Heard::Silence(take(1))]);

    let mut heard = ear.begin(take(2)).unwrap();
    for _ in 0..60 {
        heard.extend(barely(&mut ear));
    }
    assert_eq!(signs(&heard), []);
}

#[test]
fn a_noise_gate_between_words_is_no_dead_microphone() {
    let mut ear = Ear::new(Duration::ZERO);
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(nothing(&mut ear, 15));
    heard.extend(barely(&mut ear));
    heard.extend(nothing(&mut ear, 90));
    assert_eq!(signs(&heard), []);
}

#[test]
fn sound_takes_back_once_that_the_microphone_is_dead() {
    let mut ear = Ear::new(Duration::ZERO);
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(nothing(&mut ear, 40));
    for _ in 0..3 {
        heard.extend(barely(&mut ear));
        heard.extend(nothing(&mut ear, 40));
    }
    let wanted = [Heard::Silence(take(1)), Heard::SoundAfterAll(take(1))];
    assert_eq!(signs(&heard), wanted);
    // The next take counts for itself.
    let mut heard = ear.begin(take(2)).unwrap();
    heard.extend(nothing(&mut ear, 40));
    assert_eq!(signs(&heard), [Heard::Silence(take(2))]);
}

#[test]
fn what_was_heard_just_before_a_take_is_a_sign_of_life_too() {
    let mut ear = Ear::new(Duration::from_millis(300));
    ear.prepare();
    barely(&mut ear);
    let mut heard = ear.begin(take(1)).unwrap();
    heard.extend(nothing(&mut ear, 60));
    assert_eq!(signs(&heard), []);
}

#[test]
fn another_rate_in_the_middle_of_a_take_is_the_same_take() {
    let mut ear = Ear::new(Duration::ZERO);
    let mut heard = ear.begin(take(1)).unwrap();
    let frames = |rate: u32| Frames {
        samples: tone(rate, 300.0, rate as usize),
        rate,
    };
    heard.extend(ear.frames(&frames(48_000)).unwrap());
    heard.extend(ear.frames(&frames(44_100)).unwrap());
    heard.extend(ear.stop(take(1), false, Instant::now()).unwrap());
    assert_eq!(sound(&heard, take(1)).len(), 32_000);
}
